import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeLockNow } from '../../../src/db/locks/lock-now.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { conflictState, MAX, openSession, SUE, type SyncEngine, said, syncEngine } from './sync-engine.ts';

let engine: SyncEngine;
let nextId = 1;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

/** A session with phone B's 10 `bolt` and phone A's other count of it in conflict. */
async function dispute(session_id: string, qty = 7): Promise<string> {
  await openSession(engine, session_id);
  return count(session_id, qty);
}
async function count(session_id: string, qty: number, payload = {}, device_id = 'phone-A'): Promise<string> {
  const [result] = await engine.upload([sent.count(nextId++, qty, { session_id, ...payload })], {
    device_id,
  });
  return result!.conflict_id!;
}
const stored = (session_id: string) => engine.database.lines.findOne({ session_id, location: '' });
const steps = async (conflict_id: string) =>
  (await engine.database.conflicts.findOne({ conflict_id }))!.trail.map(({ step, by }) => `${step} ${by}`);
const SETTLED = { sync_status: 'synced', conflict_items: [], pending: [] };
/** Each conflict of these stories is over the same item. */
const freeItem = () => engine.database.locks.deleteMany({});

describe('a conflict, from its opening to its end', () => {
  test.each([
    ['keep_local', undefined, 7, 2],
    ['keep_server', undefined, 10, 1],
    ['merge', { counted_qty: 8.00005, note: 'recounted' }, 8.0001, 2],
  ] as const)('%s', async (resolution, merged_value, qty, version) => {
    await freeItem();
    const session_id = `story ${resolution}`;
    const id = await dispute(session_id);
    expect(await conflictState(engine.database, session_id)).toEqual({
      sync_status: 'conflict',
      conflict_items: ['bolt'],
      pending: ['bolt'],
    });
    const claimed = await engine.claim(id);
    if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
    expect(claimed.lock).toMatchObject({ reason: 'conflict_resolution', locked_by: 'sue' });
    const resolved = await engine.resolve(id, { resolution, merged_value, fence: claimed.lock.fence });
    expect(resolved).toMatchObject({ kind: 'resolved', line: { counted_qty: qty, version } });
    expect(await stored(session_id)).toMatchObject({ counted_qty: qty, version });
    expect(await conflictState(engine.database, session_id)).toEqual(SETTLED);
    expect(await steps(id)).toEqual(['opened ana', 'claimed sue', 'resolved sue']);
    const history = await engine.database.lockHistory.find({ session_id }).sort({ at: 1, _id: 1 }).toArray();
    expect(history.map(({ event }) => event)).toEqual(['created', 'released', 'created', 'resolved']);
    expect(await engine.database.locks.countDocuments({ item_code: 'bolt' })).toBe(0);
  });
});

test('a session that was made before the migration can be disputed and settled', async () => {
  await freeItem();
  const session_id = 'older';
  await openSession(engine, session_id);
  await engine.database.sessions.updateOne(
    { session_id },
    { $unset: { sync_status: '', conflict_items: '', offline_created: '' } },
  );
  const id = await count(session_id, 7);
  expect(await conflictState(engine.database, session_id)).toMatchObject({ conflict_items: ['bolt'] });
  expect(await engine.resolve(id, { resolution: 'keep_server' })).toMatchObject({ kind: 'resolved' });
  expect(await conflictState(engine.database, session_id)).toEqual(SETTLED);
});

test('a kept local count has the who and when of the count, and the resolver in the conflict', async () => {
  await freeItem();
  const id = await dispute('who');
  await engine.resolve(id, {});
  expect(await stored('who')).toMatchObject({ counted_by: 'ana', device_id: 'phone-A' });
  expect(await engine.database.conflicts.findOne({ conflict_id: id })).toMatchObject({
    status: 'resolved',
    resolution: 'keep_local',
    resolved_by: 'sue',
    local_value: { counted_qty: 7 },
  });
});

test('the device hears of it: conflict, then duplicate with the resolution', async () => {
  await freeItem();
  await openSession(engine, 'hears');
  const item = sent.count(nextId++, 7, { session_id: 'hears' });
  const [first] = await engine.upload([item]);
  expect(said(await engine.upload([item]))).toEqual(['conflict update_conflict']);
  await engine.resolve(first!.conflict_id!, { resolution: 'keep_server' });
  expect(await engine.upload([item])).toEqual([
    { id: item.id, verdict: 'duplicate', conflict_id: first!.conflict_id, resolution: 'keep_server' },
  ]);
});

test('two conflicts of one item: session and lock wait for the second', async () => {
  await freeItem();
  const session_id = 'two';
  const first = await dispute(session_id);
  const second = await count(session_id, 5, {}, 'phone-C');
  expect(await engine.database.conflicts.findOne({ conflict_id: second })).toMatchObject({
    conflict_type: 'lock_conflict',
  });
  await engine.resolve(first, {});
  expect(await conflictState(engine.database, session_id)).toMatchObject({ sync_status: 'conflict' });
  expect(await engine.database.locks.countDocuments({ session_id })).toBe(1);
  expect(await engine.resolve(second, { server_version: 1 })).toMatchObject({
    kind: 'version_changed',
    line: { version: 2 },
  });
  await engine.resolve(second, { server_version: 2, resolution: 'keep_server' });
  expect(await conflictState(engine.database, session_id)).toEqual(SETTLED);
  expect(await engine.database.locks.countDocuments({ session_id })).toBe(0);
});

test('while one person holds the item no other claims or resolves', async () => {
  await freeItem();
  const id = await dispute('held');
  await engine.claim(id);
  expect(await engine.claim(id, MAX)).toMatchObject({ kind: 'item_locked', lock: { locked_by: 'sue' } });
  expect(await engine.resolve(id, {}, MAX)).toMatchObject({ kind: 'item_locked' });
  expect(await engine.resolve(id, { fence: 1 }, SUE)).toEqual({ kind: 'lock_lost' });
  expect(await engine.claim(id)).toMatchObject({ kind: 'claimed' });
  expect(await engine.resolve(id, {})).toMatchObject({ kind: 'resolved' });
  expect(await engine.resolve(id, {})).toEqual({ kind: 'already_resolved' });
  expect(await engine.claim(id)).toEqual({ kind: 'already_resolved' });
  expect(await engine.claim('8f7a2c1e-0000-4000-8000-000000000000')).toEqual({ kind: 'not_found' });
});

test('a manual lock holds everybody but its holder', async () => {
  await freeItem();
  const session_id = 'manual';
  await openSession(engine, session_id);
  const line = {
    item_code: 'bolt',
    session_id,
    locked_by: 'ana',
    reason: 'manual' as const,
    ttl_seconds: 60,
  };
  await takeLockNow(engine.database, { ...line, actor: SUE });
  const from = (user_id: string, device_id: string) => ({ user_id, device_id });
  const over = { session_id, base_version: 1 };
  expect(said(await engine.upload([sent.count(nextId++, 6, over)], from('zoe', 'phone-Z')))).toEqual([
    'conflict lock_conflict',
  ]);
  expect(said(await engine.upload([sent.count(nextId++, 6, over)], from('ana', 'phone-Y')))).toEqual([
    'applied',
  ]);
});

test('a lock that ran out leaves the conflict pending and the item free', async () => {
  await freeItem();
  const id = await dispute('late');
  const past = new Date(Date.now() - 60_000);
  await engine.database.locks.updateOne(
    { item_code: 'bolt' },
    { $set: { locked_at: new Date(past.getTime() - 1000), expires_at: past } },
  );
  expect(await conflictState(engine.database, 'late')).toMatchObject({ pending: ['bolt'] });
  expect(await engine.resolve(id, {}, MAX)).toMatchObject({ kind: 'resolved' });
});

describe('races end in one defined result', () => {
  test('20 people resolve one conflict: one wins', async () => {
    await freeItem();
    const id = await dispute('rush');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        engine.resolve(id, { resolution: n % 2 ? 'keep_local' : 'keep_server', server_version: 1 }),
      ),
    );
    const kinds = answers.map(({ kind }) => kind).toSorted();
    expect(kinds).toEqual([...Array(19).fill('already_resolved'), 'resolved']);
    expect(await steps(id)).toHaveLength(2);
  });

  test('the last two conflicts of an item resolved at once leave the session synced', async () => {
    for (let round = 0; round < 15; round += 1) {
      await freeItem();
      const session_id = `skew ${round}`;
      const ids = [await dispute(session_id), await count(session_id, 5, { location: 'B' }, 'phone-C')];
      await Promise.all(
        ids.map((id, n) => engine.resolve(id, { resolution: 'keep_server', server_version: n ? 0 : 1 })),
      );
      expect(await conflictState(engine.database, session_id), session_id).toEqual(SETTLED);
      expect(await engine.database.locks.countDocuments({ session_id })).toBe(0);
    }
  });

  test('a new conflict while the last one is resolved leaves the session’s state true', async () => {
    for (let round = 0; round < 15; round += 1) {
      await freeItem();
      const session_id = `meet ${round}`;
      const id = await dispute(session_id);
      await Promise.all([
        engine.resolve(id, { resolution: 'keep_server' }),
        count(session_id, 5, {}, `phone-${round}`),
      ]);
      const { sync_status, conflict_items, pending } = await conflictState(engine.database, session_id);
      expect(conflict_items, session_id).toEqual(pending);
      expect(sync_status).toBe(pending.length > 0 ? 'conflict' : 'synced');
      expect(await engine.database.locks.countDocuments({ session_id })).toBe(pending.length);
    }
  });

  test('an upload and a resolution of the same line: each version is written once', async () => {
    for (let round = 0; round < 10; round += 1) {
      await freeItem();
      const session_id = `line ${round}`;
      const id = await dispute(session_id);
      const own = sent.count(nextId++, 10, { session_id, base_version: 1 });
      const [answer, results] = await Promise.all([
        engine.resolve(id, {}),
        engine.upload([own], { device_id: 'phone-B', user_id: 'bob' }),
      ]);
      const line = await stored(session_id);
      const outcome = `${answer.kind} ${said(results)} v${line!.version} ${line!.counted_qty}`;
      expect([
        'resolved conflict lock_conflict v2 7',
        'version_changed applied v2 10',
        'resolved conflict update_conflict v2 7',
        'resolved applied v3 10',
      ]).toContain(outcome);
    }
  });
});

test('the two that meet do so in the database: a snapshot alone would let both commit', async () => {
  await freeItem();
  const id = await dispute('meeting');
  let runs = 0;
  await inTransaction(engine.database, async (session) => {
    runs += 1;
    await engine.database.conflicts.findOne({ conflict_id: id }, { session });
    if (runs === 1) await count('meeting', 4, {}, 'phone-D');
    await engine.database.conflicts.updateOne(
      { conflict_id: id },
      { $set: { base_version: 9 } },
      { session },
    );
  });
  expect(runs).toBe(2);
});
