import { randomUUID } from 'node:crypto';
import { type Document, Long, Timestamp } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listLocks, lockHistory } from '../../../src/db/locks/list-locks.ts';
import { forceReleaseNow, takeLockNow } from '../../../src/db/locks/lock-now.ts';
import { person } from '../../../src/domain/events/actor.ts';
import { lockToWire } from '../../../src/http/routes/locks.ts';
import { adoptForeignLocks } from '../../../src/jobs/adopt-foreign-locks.ts';
import { endDueLocks } from '../../../src/jobs/end-due-locks.ts';
import { MAX, type SyncEngine, said, syncEngine } from '../sync/sync-engine.ts';
import { count, dispute } from './disputes.ts';
import { published, request, story, take } from './lock-database.ts';

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
beforeEach(async () => {
  await engine.database.locks.deleteMany({});
});
afterAll(() => engine.drop());

const inMinutes = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);

/** A row as another program writes it, past the validator: held by `app`, 5 minutes old, 20 to go. */
async function foreign(item_code: string, over: Document = {}): Promise<void> {
  const row = {
    item_code,
    session_id: 'S-app',
    locked_by: 'app',
    reason: 'manual',
    locked_at: inMinutes(-5),
    expires_at: inMinutes(20),
    ...over,
  };
  await engine.database.db
    .collection('item_locks')
    .insertOne(row, { bypassDocumentValidation: true, ignoreUndefined: true });
}

const sweep = () => adoptForeignLocks({ database: engine.database, notifyOutbox: () => {} });
const endDue = () =>
  endDueLocks({ database: engine.database, notifyOutbox: () => {}, ringAt: async () => {} });
const rowOf = (item_code: string) => engine.database.locks.findOne({ item_code });
const listed = async () =>
  (await listLocks(engine.database, { limit: 500 })).rows.map((lock) => lockToWire(lock));

const OWN = { lock_id: randomUUID(), fence: 7 };

describe('a foreign lock over 15 minutes', () => {
  test.each([
    ['without id and fence', {}, 10],
    ['with both', OWN, 10],
    ['that began in the future', { locked_at: inMinutes(60), expires_at: inMinutes(70) }, 15],
    ['of an unknown beginning', { locked_at: 'yesterday' }, 15],
    ['that never ends', { expires_at: new Date(8.64e15) }, 10],
    ['of an unknown reason, of nobody', { reason: 'audit', locked_by: 7, session_id: undefined }, 10],
  ])('%s is cut by the sweep', async (name, over, minutesLeft) => {
    await foreign(name, over);
    await sweep();
    const lock = (await rowOf(name))!;
    expect(Math.abs(lock.expires_at.getTime() - inMinutes(minutesLeft).getTime())).toBeLessThan(30_000);
    expect(lock.expires_at.getTime() - lock.locked_at.getTime()).toBeLessThanOrEqual(900_000);
    expect(lock).toMatchObject({ fence: 1, lock_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await story(engine.database, name)).toEqual(['created 1']);
    expect(await published(engine.database, name)).toEqual(['locked 1']);
    expect(await listed()).toMatchObject([{ item_code: name, fence: 1 }]);
    await sweep();
    expect(await story(engine.database, name)).toEqual(['created 1']);
  });

  test.each([
    ['of 16 minutes ago', { locked_at: inMinutes(-16) }],
    ['of 16 minutes ago, with id and fence', { locked_at: inMinutes(-16), lock_id: randomUUID(), fence: 7 }],
  ])('%s is free at once and ended by the sweep', async (name, over) => {
    await foreign(name, over);
    expect(await listed()).toEqual([]);
    await sweep();
    await endDue();
    expect(await rowOf(name)).toBeNull();
    expect(await story(engine.database, name)).toEqual(['created 1', 'expired 1']);
    expect(await published(engine.database, name)).toEqual(['locked 1', 'expired 1']);
  });

  test('that was one of ours keeps its id and fence', async () => {
    const lock = await take(engine.database, 'stretched', 'mira');
    await engine.database.locks.updateOne(
      { item_code: 'stretched' },
      { $set: { expires_at: inMinutes(300) } },
      { bypassDocumentValidation: true },
    );
    await sweep();
    expect(await rowOf('stretched')).toMatchObject({ ...lock });
    expect(await story(engine.database, 'stretched')).toEqual(['created 1', 'renewed 1']);
    expect(await published(engine.database, 'stretched')).toEqual(['locked 1', 'renewed 1']);
  });

  test('2,000 of them are cut in one sweep, page by page', async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => ({
      item_code: `many ${n}`,
      locked_at: inMinutes(-5),
      expires_at: inMinutes(20),
    }));
    await engine.database.db.collection('item_locks').insertMany(rows, { bypassDocumentValidation: true });
    await sweep();
    expect(await engine.database.locks.countDocuments({ fence: 1, lock_id: { $exists: true } })).toBe(2_000);
    expect(await engine.database.locks.countDocuments({ expires_at: { $gt: inMinutes(11) } })).toBe(0);
  });
});

describe('behind 500 rows without an item code, a foreign lock', () => {
  const hidden = (times: Document) =>
    engine.database.db.collection('item_locks').insertMany(
      Array.from({ length: 500 }, (_, n) => ({ item_code: n, ...times })),
      { bypassDocumentValidation: true },
    );

  test('is cut by the sweep', async () => {
    await hidden({ locked_at: inMinutes(-5), expires_at: inMinutes(20) });
    await foreign('behind');
    await sweep();
    expect(await story(engine.database, 'behind')).toEqual(['created 1']);
  });

  test('that ran out is ended', async () => {
    await hidden({ locked_at: inMinutes(-20), expires_at: inMinutes(-10) });
    await foreign('ran out behind', { locked_at: inMinutes(-10), expires_at: inMinutes(-1) });
    await endDue();
    expect(await story(engine.database, 'ran out behind')).toEqual(['created 1', 'expired 1']);
  });
});

describe('a foreign lock that no sweep met yet', () => {
  test('is listed', async () => {
    await foreign('seen', { expires_at: inMinutes(3) });
    expect(await listed()).toMatchObject([{ item_code: 'seen', locked_by: 'app', lock_id: '', fence: 0 }]);
  });

  test('holds the item against a taker, who is told of it', async () => {
    await foreign('meets a taker');
    const outcome = await takeLockNow(engine.database, request('meets a taker', 'mira'));
    expect(outcome).toMatchObject({ taken: false, holder: { locked_by: 'app', fence: 1 } });
    expect(await story(engine.database, 'meets a taker')).toEqual(['created 1']);
  });

  test('is forced by an admin', async () => {
    await foreign('forced');
    const actor = person('root', 'admin');
    expect(await forceReleaseNow(engine.database, { item_code: 'forced', actor })).toMatchObject({
      fence: 1,
    });
    expect(await story(engine.database, 'forced')).toEqual(['created 1', 'forced 1']);
    expect((await lockHistory(engine.database, { item_code: 'forced', limit: 5 })).total).toBe(2);
  });

  test('makes a conflict of a count, and refuses a claim', async () => {
    const of = await dispute(engine, 'foreign');
    await engine.database.locks.deleteMany({});
    await engine.database.lockHistory.deleteMany({});
    await foreign(of.item_code, { session_id: of.session_id });
    expect(said([await count(engine, { ...of, counted_qty: 3 }, { device_id: 'phone-D' })])).toEqual([
      'conflict lock_conflict',
    ]);
    expect(await engine.claim(of.conflict_id, MAX)).toMatchObject({ kind: 'item_locked' });
    expect(await engine.resolve(of.conflict_id, {})).toMatchObject({ kind: 'item_locked' });
  });

  test('that was made for an upload is claimed', async () => {
    const of = await dispute(engine, 'foreign upload');
    await engine.database.locks.deleteMany({});
    await foreign(of.item_code, { session_id: of.session_id, reason: 'offline_sync' });
    expect(await engine.claim(of.conflict_id, MAX)).toMatchObject({ kind: 'claimed' });
  });

  test('that ran out is ended with a history, and the next lock with it', async () => {
    await foreign('ran out', { locked_at: inMinutes(-10), expires_at: inMinutes(-1) });
    await endDue();
    expect(await story(engine.database, 'ran out')).toEqual(['created 1', 'expired 1']);
    await foreign('ran out', { locked_at: inMinutes(-10), expires_at: inMinutes(-1) });
    await take(engine.database, 'ran out', 'mira');
    expect((await story(engine.database, 'ran out')).slice(2)).toEqual([
      'created 2',
      'expired 2',
      'created 3',
    ]);
  });
});

describe('a row whose end is no date is no lock', () => {
  test.each([
    ['a text', '2099-01-01T00:00:00Z'],
    ['a number', 4e12],
    ['a timestamp, which MongoDB sorts after dates', new Timestamp({ t: 1, i: 1 })],
    ['a long', Long.fromNumber(4e12)],
    ['null', null],
    ['nothing', undefined],
  ])('%s', async (name, expires_at) => {
    await foreign(name, { expires_at });
    const due = await take(engine.database, `due beside ${name}`, 'mira', { ttl_seconds: 60 });
    expect((await listed()).map((lock) => lock.item_code)).toEqual([due.item_code]);
    await sweep();
    expect(await endDue()).toEqual({ ended: 0, nextExpiryAt: due.expires_at });
    expect(await take(engine.database, name, 'mira')).toMatchObject({ item_code: name, fence: 1 });
  });
});

test('a row put back after its lock has ended is removed, not due for ever', async () => {
  await take(engine.database, 'restored', 'mira', { ttl_seconds: 1 });
  const row = await rowOf('restored');
  await engine.database.locks.updateOne({ item_code: 'restored' }, [
    { $set: { locked_at: inMinutes(-2), expires_at: inMinutes(-1) } },
  ]);
  const ended = { ...row!, locked_at: inMinutes(-2), expires_at: inMinutes(-1) };
  await endDue();
  await engine.database.locks.insertOne(ended);
  expect(await endDue()).toEqual({ ended: 0, nextExpiryAt: undefined });
  expect(await rowOf('restored')).toBeNull();
  expect(await story(engine.database, 'restored')).toEqual(['created 1', 'expired 1']);
});
