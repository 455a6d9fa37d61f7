import { describe, expect, test } from 'vitest';
import type { OperationResult } from '../../../src/device/index.ts';
import { applied, ids, retry, withRows } from './row-fixtures.ts';
import { complete, count, openTestQueue, storedRows } from './temp-queue.ts';

describe('base_version', () => {
  const baseOf = (batch: { items: { payload: unknown }[] } | null, index = 0): unknown =>
    (batch!.items[index]!.payload as { base_version?: number }).base_version;

  test('the next count on a line carries the version that the server told', async () => {
    const { queue } = await openTestQueue();
    await queue.enqueue(count('s1', 'A', { location: 'R1' }), 'ann');
    expect(baseOf(await queue.claimBatch({ user: 'ann', limit: 1 }))).toBeUndefined();
    await queue.settle([applied(1, 4)]);
    await queue.enqueue(count('s1 ', ' A', { location: ' R1' }), 'ann');
    await queue.enqueue(count('s1', 'A', { location: 'R2' }), 'ann');
    await queue.enqueue(count('s1', 'A', { location: 'R1', base_version: 2 }), 'ann');
    const batch = await queue.claimBatch({ user: 'ann', limit: 10 });
    expect([0, 1, 2].map((i) => baseOf(batch, i))).toEqual([4, undefined, 2]);
  });

  test('the content of a row never changes once it went out', async () => {
    const { queue, clock } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.enqueue(count('s1', 'A'), 'ann');
    const first = await queue.claimBatch({ user: 'ann', limit: 2 });
    await queue.settle([applied(1, 7), retry(2)]);
    clock.advance(2_000);
    const second = await queue.claimBatch({ user: 'ann', limit: 2 });
    expect(second!.items[0]).toEqual({ ...first!.items[1], retry_count: 1 });

    await queue.settle([applied(2, 8)]);
    await queue.enqueue(count('s1', 'A'), 'ann');
    const third = await queue.claimBatch({ user: 'ann', limit: 2 });
    expect(baseOf(third)).toBe(8);
    await queue.release(third!);
    expect((await queue.claimBatch({ user: 'ann', limit: 2 }))!.items).toEqual(third!.items);
  });

  test('a duplicate teaches nothing; a resolution teaches what is counted after it', async () => {
    const { queue } = await openTestQueue();
    const now = { version: 9, counted_by: 'bob', counted_at: '2025-10-09T08:00:00Z' };
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([{ id: 1, verdict: 'duplicate', server: now }]);
    await queue.enqueue(count('s1', 'A'), 'ann');
    expect(baseOf(await queue.claimBatch({ user: 'ann', limit: 1 }))).toBeUndefined();
    await queue.settle([{ id: 2, verdict: 'conflict', code: 'update_conflict', server: now }]);

    await queue.enqueue(count('s1', 'A', { note: 'before it was known' }), 'ann');
    await queue.settle([{ id: 2, verdict: 'duplicate', resolution: 'keep_server', server: now }]);
    await queue.enqueue(count('s1', 'A', { note: 'after' }), 'ann');
    const batch = await queue.claimBatch({ user: 'ann', limit: 10 });
    expect([baseOf(batch, 0), baseOf(batch, 1)]).toEqual([undefined, 9]);
  });

  test('lines of a completed session are forgotten', async () => {
    const { queue, db } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.enqueue(count('s2', 'A'), 'ann');
    await queue.enqueue(complete('s1'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 10 });
    await queue.settle([applied(1, 1), applied(2, 1), applied(3)]);
    expect(db.all('SELECT session_id FROM sync_queue_lines', [])).toEqual([{ session_id: 's2' }]);
  });
});

describe('a new epoch', () => {
  const reused = (id: number): OperationResult => ({ id, verdict: 'rejected', code: 'operation_id_reused' });

  test('takes the row and all later ones, of other users too, and counts no retry', async () => {
    const { queue, db } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'bob');
    await queue.enqueue(count('s1', 'B'), 'ann');
    await queue.enqueue(count('s1', 'C'), 'ann');
    await queue.enqueue(count('s1', 'D'), 'bob');
    const before = await queue.claimBatch({ user: 'ann', limit: 10 });
    await queue.settle([reused(2), reused(3)]);
    const rows = await queue.list();
    expect(rows[0]!.queue_epoch).toBe(before!.queue_epoch);
    expect(new Set(rows.slice(1).map((row) => row.queue_epoch)).size).toBe(1);
    expect(rows[1]!.queue_epoch).not.toBe(before!.queue_epoch);
    expect(storedRows(db).map((row) => [row['status'], row['retry_count']])).toEqual(
      Array(4).fill(['pending', 0]),
    );
    const again = await queue.claimBatch({ user: 'ann', limit: 10 });
    expect(ids(again)).toEqual([2, 3]);
    expect(again!.batch_id).not.toBe(before!.batch_id);
    expect(again!.queue_epoch).toBe(rows[1]!.queue_epoch);
    await queue.enqueue(count('s1', 'E'), 'ann');
    expect((await queue.list()).at(-1)!.queue_epoch).toBe(again!.queue_epoch);
  });

  test('one batch never mixes epochs', async () => {
    const { queue } = await withRows(3);
    await queue.enqueue(count('s9', 'A'), 'bob');
    await queue.claimBatch({ user: 'bob', limit: 1 });
    await queue.settle([reused(4)]);
    await queue.enqueue(count('s5', 'A'), 'ann');
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([1, 2, 3]);
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([5]);
  });

  test('an upload that may have arrived keeps its name, and joins the epoch when that was reused as well', async () => {
    const { queue } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.enqueue(count('s2', 'A'), 'bob');
    const bobs = await queue.claimBatch({ user: 'bob', limit: 1 });
    await queue.release(bobs!);
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([reused(1)]);
    expect(await queue.claimBatch({ user: 'bob', limit: 1 })).toEqual({ ...bobs, resumed: true });
    await queue.settle([reused(2)]);
    const [first, second] = await queue.list();
    expect(second!.queue_epoch).toBe(first!.queue_epoch);
    expect(second!.queue_epoch).not.toBe(bobs!.queue_epoch);
  });

  test('an upload that was answered in part is not resumed under its old name', async () => {
    const { queue } = await withRows(2);
    const batch = await queue.claimBatch({ user: 'ann', limit: 2 });
    await queue.settle([reused(1)]);
    await queue.release(batch!);
    const next = await queue.claimBatch({ user: 'ann', limit: 2 });
    expect([ids(next), next!.resumed]).toEqual([[1], false]);
    expect(next!.queue_epoch).not.toBe(batch!.queue_epoch);
    expect(await queue.claimBatch({ user: 'ann', limit: 2 })).toMatchObject({
      queue_epoch: batch!.queue_epoch,
      items: [{ id: 2 }],
    });
  });

  test('rows with a lasting verdict keep the name that the server knows them by', async () => {
    const { queue } = await withRows(3);
    const batch = await queue.claimBatch({ user: 'ann', limit: 3 });
    await queue.settle([
      reused(1),
      { id: 2, verdict: 'conflict', code: 'update_conflict' },
      { id: 3, verdict: 'rejected', code: 'invalid_payload' },
    ]);
    const epochs = (await queue.list()).map((row) => row.queue_epoch === batch!.queue_epoch);
    expect(epochs).toEqual([false, true, true]);
  });
});

describe('one writer at a time', () => {
  test('overlapping calls of every kind leave each row once and no transaction open', async () => {
    const { queue, db } = await openTestQueue();
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      calls.push(queue.enqueue(count(`s${i % 7}`, `I${i}`), i % 3 === 0 ? 'bob' : 'ann'));
      if (i % 20 === 19) calls.push(queue.stats(), queue.list());
      if (i % 10 === 9)
        calls.push(queue.enqueue({ ...count('s', 'x'), payload: undefined }, 'ann').catch(() => 0));
    }
    await Promise.all(calls);
    const batches = await Promise.all(
      Array.from({ length: 8 }, (_, i) => queue.claimBatch({ user: i % 2 === 0 ? 'ann' : 'bob', limit: 40 })),
    );
    const claimed = batches.flatMap(ids);
    expect(new Set(claimed).size).toBe(claimed.length);
    expect(storedRows(db)).toHaveLength(200);
    db.exec('BEGIN');
    db.exec('ROLLBACK');
  });

  test('an adapter that answers late is waited for, and a failed write leaves nothing behind', async () => {
    const { queue, db } = await openTestQueue();
    const run = db.run;
    let failing = true;
    db.run = async (sql, params) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (failing && sql.includes('sync_queue_rows')) throw new Error('disk full');
      return run(sql, params);
    };
    const lost = queue.enqueue(count('s1', 'A'), 'ann');
    const alsoLost = queue.enqueue(count('s1', 'B'), 'ann');
    await expect(lost).rejects.toThrow('disk full');
    await expect(alsoLost).rejects.toThrow('disk full');
    failing = false;
    await Promise.all([queue.enqueue(count('s1', 'C'), 'ann'), queue.enqueue(count('s1', 'D'), 'ann')]);
    expect((await queue.list()).map((row) => (row.payload as { item_code: string }).item_code)).toEqual([
      'C',
      'D',
    ]);
  });
});

test('10,000 pending rows open and claim quickly', async () => {
  const { queue, db, path } = await openTestQueue();
  await queue.enqueue(count('s1', 'A'), 'ann');
  db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO sync_queue (operation, entity_type, payload, created_at)
      SELECT 'count_update', 'count_line', '{"session_id":"s1","item_code":"A","counted_qty":1}', i FROM n;
    INSERT INTO sync_queue_rows (row_id, user, queue_epoch, session_id)
      SELECT id, 'ann', (SELECT queue_epoch FROM sync_queue_device), 's1' FROM sync_queue WHERE id > 1;
  `);
  db.close();
  const again = await openTestQueue({ path });
  const startedAt = performance.now();
  for (let next = 1; next <= 1_000; next += 100) {
    const batch = await again.queue.claimBatch({ user: 'ann', limit: 100 });
    expect(ids(batch)[0]).toBe(next);
    await again.queue.settle(batch!.items.map((item) => applied(item.id, item.id)));
  }
  expect((performance.now() - startedAt) / 10).toBeLessThan(100);
});
