import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { endLocks } from '../../../src/db/locks/end-locks.ts';
import { loadActiveLocks } from '../../../src/db/locks/load-active-locks.ts';
import { takeLockNow } from '../../../src/db/locks/lock-now.ts';
import { takeLocks } from '../../../src/db/locks/take-locks.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { person } from '../../../src/domain/events/actor.ts';
import { tellFigures } from '../../support/figures.ts';
import { age, dropDatabase, lockDatabase, published, request, story, take } from './lock-database.ts';

/** How many rounds the takers race; `npm run prove` runs more of them than fit a test run. */
const LOCK_ROUNDS = Number(process.env['LOCK_ROUNDS'] ?? 12);

let database: Database;
beforeAll(async () => {
  database = await lockDatabase();
});
afterAll(() => dropDatabase(database));

const takeAll = (requests: Parameters<typeof takeLocks>[2]) =>
  inTransaction(database, (session) => takeLocks(database, session, requests));

describe('taking one lock', () => {
  test('50 takers have exactly one winner in each round, and the fence grows', async (context) => {
    const fences: number[] = [];
    for (let round = 0; round < LOCK_ROUNDS; round += 1) {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, taker) => takeLockNow(database, request('race', `taker-${taker}`))),
      );
      const winners = outcomes.filter((outcome) => outcome.taken);
      expect(winners).toHaveLength(1);
      const { lock } = winners[0]!;
      for (const outcome of outcomes) if (!outcome.taken) expect(outcome.holder).toEqual(lock);
      fences.push(lock.fence);
      // Each round begins on another ground: run out, taken by the TTL index, released.
      if (round % 3 === 0) await age(database, 'race', 901);
      else if (round % 3 === 1) await database.locks.deleteOne({ item_code: 'race' });
      else await endAll('race');
    }
    tellFigures(context, { 'rounds of 50 takers': fences.length });
    expect(fences).toEqual(Array.from({ length: LOCK_ROUNDS }, (_, round) => round + 1));
    expect((await story(database, 'race')).slice(0, 6)).toEqual([
      'created 1',
      'expired 1',
      'created 2',
      'expired 2',
      'created 3',
      'released 3',
    ]);
  }, 600_000);

  test('a lock that ran out is free at once and its end stands before the next beginning', async () => {
    await take(database, 'stale', 'mira');
    await age(database, 'stale', 900);
    expect(await loadActiveLocks(database, undefined, ['stale'])).toEqual(new Map());
    const next = await take(database, 'stale', 'omar');
    expect(next.fence).toBe(2);
    expect(await story(database, 'stale')).toEqual(['created 1', 'expired 1', 'created 2']);
    expect(await published(database, 'stale')).toEqual(['locked 1', 'expired 1', 'locked 2']);
  });

  test('a held lock stays as it is, also for its own holder', async () => {
    const lock = await take(database, 'held', 'mira');
    for (const who of ['omar', 'mira']) {
      expect(await takeLockNow(database, request('held', who))).toEqual({ taken: false, holder: lock });
    }
    expect(await story(database, 'held')).toEqual(['created 1']);
    expect(await published(database, 'held')).toEqual(['locked 1']);
  });

  test('operators in names are text', async () => {
    const lock = await take(database, '$item', '$who', { session_id: '$$NOW' });
    expect(lock).toMatchObject({ item_code: '$item', locked_by: '$who', session_id: '$$NOW' });
  });

  test('a lock over 900 s is refused by the rules, and by the database itself', async () => {
    await expect(take(database, 'long', 'mira', { ttl_seconds: 901 })).rejects.toThrow('1..900');
    const lock = await take(database, 'long', 'mira');
    const later = new Date(lock.locked_at.getTime() + 900_001);
    const write = database.locks.updateOne({ item_code: 'long' }, { $set: { expires_at: later } });
    await expect(write).rejects.toMatchObject({ code: 121 });
  });
});

describe('taking many', () => {
  test('each request has its outcome, in order; the second of one item loses to the first', async () => {
    const held = await take(database, 'many-2', 'omar');
    const outcomes = await takeAll([
      request('many-1', 'mira'),
      request('many-2', 'mira'),
      request('many-1', 'lena'),
      request('many-3', 'mira', { reason: 'offline_sync', ttl_seconds: 60 }),
    ]);
    expect(outcomes.map((outcome) => outcome.taken)).toEqual([true, false, false, true]);
    const [first, second, third, fourth] = outcomes;
    expect(second).toEqual({ taken: false, holder: held });
    if (!first?.taken || third?.taken !== false || !fourth?.taken) throw new Error('unexpected outcome');
    expect(third.holder).toEqual(first.lock);
    expect(fourth.lock.expires_at.getTime() - fourth.lock.locked_at.getTime()).toBe(60_000);
    expect(fourth.events).toHaveLength(1);
  });

  test('500 in one transaction', async () => {
    const outcomes = await takeAll(Array.from({ length: 500 }, (_, n) => request(`bulk-${n}`, 'mira')));
    expect(outcomes.every((outcome) => outcome.taken)).toBe(true);
    const codes = Array.from({ length: 500 }, (_, n) => `bulk-${n}`);
    expect((await loadActiveLocks(database, undefined, codes)).size).toBe(500);
  });

  test('none is no work', async () => {
    expect(await takeAll([])).toEqual([]);
    expect(await loadActiveLocks(database, undefined, [])).toEqual(new Map());
  });
});

describe('ending', () => {
  test('the end of a lock is recorded once, whoever comes', async () => {
    const lock = await take(database, 'once', 'mira');
    const actor = person('mira', 'supervisor');
    const ends = (end: 'released' | 'resolved') =>
      inTransaction(database, (session) => endLocks(database, session, [{ lock, end, by: 'mira', actor }]));
    const counts = await Promise.all([ends('released'), ends('resolved'), ends('released')]);
    expect(counts.flat()).toHaveLength(1);
    expect(await ends('released')).toEqual([]);
    expect(await story(database, 'once')).toHaveLength(2);
  });

  test('an end of an old lock leaves the newer one of the item', async () => {
    const old = await take(database, 'newer', 'mira');
    await age(database, 'newer', 901);
    const lock = await take(database, 'newer', 'omar');
    const events = await inTransaction(database, (session) =>
      endLocks(database, session, [
        { lock: old, end: 'released', by: 'mira', actor: person('mira', 'supervisor') },
      ]),
    );
    expect(events).toEqual([]);
    expect((await loadActiveLocks(database, undefined, ['newer'])).get('newer')).toEqual(lock);
  });

  test('release and take again in one transaction is a new lock', async () => {
    const old = await take(database, 'claim', 'mira', { reason: 'offline_sync' });
    const outcome = await inTransaction(database, async (session) => {
      const actor = person('omar', 'supervisor');
      await endLocks(database, session, [{ lock: old, end: 'released', by: 'omar', actor }]);
      return (
        await takeLocks(database, session, [request('claim', 'omar', { reason: 'conflict_resolution' })])
      )[0]!;
    });
    if (!outcome.taken) throw new Error('not taken');
    expect(outcome.lock.fence).toBe(2);
    expect(outcome.lock.lock_id).not.toBe(old.lock_id);
    expect(await story(database, 'claim')).toEqual(['created 1', 'released 1', 'created 2']);
  });
});

async function endAll(itemCode: string): Promise<void> {
  const lock = (await loadActiveLocks(database, undefined, [itemCode])).get(itemCode)!;
  await inTransaction(database, (session) =>
    endLocks(database, session, [{ lock, end: 'released', by: 'x', actor: person('x', 'supervisor') }]),
  );
}
