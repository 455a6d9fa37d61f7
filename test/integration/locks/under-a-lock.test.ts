import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forceReleaseNow, takeLockNow } from '../../../src/db/locks/lock-now.ts';
import { person } from '../../../src/domain/events/actor.ts';
import { resolveConflict } from '../../../src/jobs/resolve-conflict.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { MAX, SUE, type SyncEngine, said, syncEngine } from '../sync/sync-engine.ts';
import { count, type Dispute, dispute, lineOf, pausable } from './disputes.ts';
import { age, request } from './lock-database.ts';

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

const manual = ({ item_code, session_id }: Omit<Dispute, 'conflict_id'>, who: string) =>
  request(item_code, who, { session_id });

async function claimed(conflictId: string, by = SUE) {
  const answer = await engine.claim(conflictId, by);
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  return answer.lock;
}

/** Everything that a resolution would write. */
async function stored(of: Dispute) {
  const conflict = await engine.database.conflicts.findOne({ conflict_id: of.conflict_id });
  const session = await engine.database.sessions.findOne({ session_id: of.session_id });
  return {
    status: conflict?.status,
    steps: conflict?.trail.map(({ step }) => step),
    line: await lineOf(engine, of),
    disputed: session?.conflict_items,
  };
}

const resolution = (over: object = {}) => ({
  resolution: 'keep_local' as const,
  server_version: 1,
  user_id: SUE.user_id,
  ...over,
});

describe('a holder who comes back after another one took over', () => {
  const lost = {
    'ran out': (of: Dispute) => age(engine.database, of.item_code, 901),
    'was forced': (of: Dispute) =>
      forceReleaseNow(engine.database, { item_code: of.item_code, actor: person('root', 'admin') }),
  };
  test.each(Object.entries(lost))('is refused when the lock %s', async (name, lose) => {
    const of = await dispute(engine, `late ${name}`);
    const { fence } = await claimed(of.conflict_id);
    await lose(of);
    expect((await claimed(of.conflict_id, MAX)).fence).toBe(fence + 1);
    const before = await stored(of);
    expect(await engine.resolve(of.conflict_id, { fence })).toEqual({ kind: 'lock_lost' });
    expect(await stored(of)).toEqual(before);
  });
});

describe('a writer that stands still while another person takes the item', () => {
  /** `paused` begins on a snapshot before the take and goes on after it. */
  async function overtaken<T>(of: Dispute, paused: (database: SyncEngine['database']) => Promise<T>) {
    const pause = pausable(engine.database);
    const answer = paused(pause.database);
    await pause.reached;
    await age(engine.database, of.item_code, 901);
    const taken = await takeLockNow(engine.database, manual(of, 'max'));
    expect(taken.taken).toBe(true);
    pause.goOn();
    return answer;
  }
  const resolving = (of: Dispute, over: object) => (database: SyncEngine['database']) =>
    resolveConflict(
      { database, timezone: 'UTC', notifyOutbox: () => {} },
      of.conflict_id,
      resolution(over),
      SUE,
    );

  test('a resolution under the lost fence writes nothing', async () => {
    const of = await dispute(engine, 'paused fence');
    // With a second conflict of the item the resolution does not end the lock: nothing but the fence is common.
    await count(engine, { ...of, counted_qty: 5 }, { device_id: 'phone-C' });
    const { fence } = await claimed(of.conflict_id);
    const before = await stored(of);
    expect(await overtaken(of, resolving(of, { fence }))).toEqual({ kind: 'lock_lost' });
    expect(await stored(of)).toEqual(before);
  });

  test('a resolution of a free item writes nothing once somebody holds it', async () => {
    const of = await dispute(engine, 'paused free');
    await count(engine, { ...of, counted_qty: 5 }, { device_id: 'phone-C' });
    await age(engine.database, of.item_code, 901);
    const before = await stored(of);
    expect(await overtaken(of, resolving(of, {}))).toMatchObject({
      kind: 'item_locked',
      lock: { locked_by: 'max' },
    });
    expect(await stored(of)).toEqual(before);
  });

  test('a count under a manual lock becomes a conflict', async () => {
    const of = { ...(await dispute(engine, 'paused count')), item_code: 'I counted by hand' };
    await count(engine, { ...of, counted_qty: 10 }, { device_id: 'phone-B' });
    await takeLockNow(engine.database, manual(of, 'ana'));
    const { session_id, item_code } = of;
    const batchId = await engine.store([sent.count(1, 6, { session_id, item_code, base_version: 1 })], {
      device_id: 'phone-Y',
      user_id: 'ana',
    });
    await overtaken(of, (database) => engine.drain('phone-Y', { database }));
    expect(said(await engine.results(batchId))).toEqual(['conflict lock_conflict']);
    expect(await lineOf(engine, of)).toMatchObject({ counted_qty: 10, version: 1 });
  });
});

test('counts of free items leave the fences alone, one under a manual lock does not', async () => {
  const of = await dispute(engine, 'cost');
  const item_code = 'I at no cost';
  const fenceOf = () => engine.database.lockFences.findOne({ _id: item_code });
  await count(engine, { ...of, item_code, counted_qty: 3 });
  await count(engine, { ...of, item_code, counted_qty: 4 });
  expect(await fenceOf()).toBeNull();
  await takeLockNow(engine.database, manual({ ...of, item_code }, 'ana'));
  expect(await count(engine, { ...of, item_code, counted_qty: 5 })).toMatchObject({ verdict: 'applied' });
  expect(await fenceOf()).toMatchObject({ fence: 1, holds: 1 });
});
