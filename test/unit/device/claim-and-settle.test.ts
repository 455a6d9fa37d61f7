import { describe, expect, test } from 'vitest';
import type { OperationResult } from '../../../src/device/index.ts';
import { complete, count, type OpenQueue, openTestQueue, start, storedRows } from './temp-queue.ts';

const ids = (batch: { items: { id: number }[] } | null): number[] =>
  batch?.items.map((item) => item.id) ?? [];
const applied = (id: number, version?: number): OperationResult => ({
  id,
  verdict: 'applied',
  ...(version === undefined
    ? {}
    : { server: { version, counted_by: 'ann', counted_at: '2025-10-09T08:00:00Z' } }),
});
const retry = (id: number): OperationResult => ({ id, verdict: 'retry', code: 'session_unknown' });

async function withRows(n: number, user = 'ann'): Promise<OpenQueue> {
  const opened = await openTestQueue();
  for (let i = 1; i <= n; i++) await opened.queue.enqueue(count(`s${i}`, 'A'), user);
  return opened;
}

describe('claimBatch', () => {
  test('takes rows in id order and marks them syncing', async () => {
    const { queue, db, clock } = await withRows(3);
    const batch = await queue.claimBatch({ user: 'ann', limit: 2 });
    expect(batch).toMatchObject({ user: 'ann', resumed: false });
    expect(batch!.batch_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(batch!.items[0]).toEqual({
      id: 1,
      operation: 'count_update',
      entity_type: 'count_line',
      payload: count('s1', 'A').payload,
      created_at: clock.now(),
      retry_count: 0,
    });
    expect(ids(batch)).toEqual([1, 2]);
    expect(storedRows(db).map((row) => row['status'])).toEqual(['syncing', 'syncing', 'pending']);
    expect(await queue.claimBatch({ user: 'bob', limit: 10 })).toBeNull();
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([3]);
    expect(await queue.claimBatch({ user: 'ann', limit: 10 })).toBeNull();
  });

  test('takes only the rows of its user, and stats tell about the others', async () => {
    const { queue, clock } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    clock.advance(1_000);
    await queue.enqueue(count('s1', 'B'), 'bob');
    await queue.enqueue(count('s1', 'C'), 'ann');
    expect(await queue.stats()).toMatchObject({ pending: 3, other_users: 1 });
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([1, 3]);
    expect(await queue.stats()).toEqual({
      pending: 1,
      oldest_pending_at: clock.now(),
      syncing: 2,
      failed: 0,
      conflict: 0,
      other_users: 1,
    });
    expect(await queue.stats({ user: 'bob' })).toMatchObject({ other_users: 2 });
  });

  test.each([0, 501, 1.5, Number.NaN])('refuses a limit of %s', async (limit) => {
    const { queue } = await openTestQueue();
    await expect(queue.claimBatch({ user: 'ann', limit })).rejects.toMatchObject({ code: 'invalid_claim' });
  });

  test('later rows of a session stay behind while one of its rows waits; other sessions go', async () => {
    const { queue, clock } = await openTestQueue();
    await queue.enqueue(start('s1'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([retry(1)]);
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.enqueue(count('s2', 'A'), 'ann');
    await queue.enqueue(count('s1', 'B'), 'bob');
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([3]);
    expect(ids(await queue.claimBatch({ user: 'bob', limit: 10 }))).toEqual([4]);
    clock.advance(2_000);
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([1, 2]);
  });

  test('a row that a person has to look at holds nobody back', async () => {
    const { queue } = await openTestQueue();
    await queue.enqueue(start('s1'), 'ann');
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([{ id: 1, verdict: 'rejected', code: 'session_mismatch' }]);
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 10 }))).toEqual([2]);
  });
});

describe('release', () => {
  test('hands rows back without counting a retry; the next claim is the same upload', async () => {
    const { queue, db } = await withRows(3);
    const batch = await queue.claimBatch({ user: 'ann', limit: 2 });
    await queue.release(batch!);
    expect(storedRows(db).map((row) => [row['status'], row['retry_count']])).toEqual(
      Array(3).fill(['pending', 0]),
    );
    await queue.enqueue(count('s1', 'Z'), 'ann');
    expect(await queue.claimBatch({ user: 'ann', limit: 1 })).toEqual({ ...batch, resumed: true });
  });

  test('with forget the rows go out in new batches', async () => {
    const { queue } = await withRows(3);
    const batch = await queue.claimBatch({ user: 'ann', limit: 3 });
    await queue.release(batch!, { forget: true });
    const half = await queue.claimBatch({ user: 'ann', limit: 1 });
    expect(ids(half)).toEqual([1]);
    expect(half!.batch_id).not.toBe(batch!.batch_id);
  });

  test('an upload that was answered in part is not resumed', async () => {
    const { queue } = await withRows(3);
    const batch = await queue.claimBatch({ user: 'ann', limit: 3 });
    await queue.settle([applied(1)]);
    await queue.release(batch!);
    const rest = await queue.claimBatch({ user: 'ann', limit: 10 });
    expect(ids(rest)).toEqual([2, 3]);
    expect(rest!.batch_id).not.toBe(batch!.batch_id);
  });

  test('each user resumes his own upload', async () => {
    const { queue } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.enqueue(count('s1', 'B'), 'bob');
    const ann = await queue.claimBatch({ user: 'ann', limit: 10 });
    await queue.release(ann!);
    const bob = await queue.claimBatch({ user: 'bob', limit: 10 });
    expect(bob!.resumed).toBe(false);
    expect((await queue.claimBatch({ user: 'ann', limit: 10 }))!.batch_id).toBe(ann!.batch_id);
  });
});

describe('settle', () => {
  test('each verdict takes its row where it belongs', async () => {
    const { queue, db } = await withRows(5);
    await queue.claimBatch({ user: 'ann', limit: 5 });
    const summary = await queue.settle([
      applied(1),
      { id: 2, verdict: 'duplicate' },
      { id: 3, verdict: 'conflict', code: 'update_conflict', conflict_id: 'c3', message: 'counted by bob' },
      { id: 4, verdict: 'rejected', code: 'invalid_payload', message: 'no quantity' },
      retry(5),
    ]);
    expect(summary).toEqual({ synced: 2, conflict: 1, failed: 1, waiting: 1, renamed: 0 });
    expect(
      storedRows(db).map((row) => [row['id'], row['status'], row['retry_count'], row['error_message']]),
    ).toEqual([
      [3, 'conflict', 0, 'update_conflict: counted by bob'],
      [4, 'failed', 0, 'invalid_payload: no quantity'],
      [5, 'failed', 1, 'session_unknown'],
    ]);
    expect((await queue.list({ status: 'conflict' }))[0]).toMatchObject({ conflict_id: 'c3', user: 'ann' });
  });

  test('keeps synced rows when asked to', async () => {
    const { queue, db, clock } = await openTestQueue({ keepSynced: true });
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    clock.advance(5);
    await queue.settle([applied(1)]);
    expect(storedRows(db)[0]).toMatchObject({ status: 'synced', synced_at: clock.now() });
    expect(await queue.stats()).toMatchObject({ pending: 0, oldest_pending_at: null });
  });

  test.each([
    [0, 1],
    [1, 1],
    [3, 3],
    [10, 10],
  ])('max_retries %i: the row goes out %i times, and the count never passes it', async (most, times) => {
    const { queue, db, clock } = await openTestQueue();
    await queue.enqueue({ ...count('s1', 'A'), max_retries: most }, 'ann');
    let sent = 0;
    for (let i = 0; i < 20; i++) {
      const batch = await queue.claimBatch({ user: 'ann', limit: 1 });
      if (batch !== null) {
        sent += 1;
        await queue.settle([retry(1)]);
      }
      expect(storedRows(db)[0]!['retry_count']).toBeLessThanOrEqual(most);
      clock.advance(5 * 60_000);
    }
    expect(sent).toBe(times);
    expect(storedRows(db)[0]).toMatchObject({ status: 'failed', retry_count: most });
  });

  test('the wait grows with each retry, and a clock that is set back does not make it endless', async () => {
    const { queue, clock } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    for (const waitMs of [2_000, 4_000]) {
      await queue.claimBatch({ user: 'ann', limit: 1 });
      await queue.settle([retry(1)]);
      clock.advance(waitMs - 1);
      expect(await queue.claimBatch({ user: 'ann', limit: 1 })).toBeNull();
      clock.advance(1);
    }
    const batch = await queue.claimBatch({ user: 'ann', limit: 1 });
    expect(batch!.items[0]).toMatchObject({ retry_count: 2 });
    await queue.release(batch!);
    clock.advance(-365 * 24 * 3_600_000);
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 1 }))).toEqual([1]);
  });

  test('a wait that began before the clock was set back ends', async () => {
    const { queue, clock } = await openTestQueue();
    await queue.enqueue(count('s1', 'A'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([retry(1)]);
    clock.advance(-24 * 3_600_000);
    expect(ids(await queue.claimBatch({ user: 'ann', limit: 1 }))).toEqual([1]);
  });

  test('verdicts about rows that are not out change nothing', async () => {
    const { queue, db } = await withRows(2);
    const batch = await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.release(batch!);
    const before = storedRows(db);
    await queue.settle([applied(1), retry(2), applied(99), { id: 2, verdict: 'conflict' }]);
    expect(storedRows(db)).toEqual(before);
  });

  test('a verdict of a newer server is no verdict', async () => {
    const { queue, db } = await withRows(1);
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([{ id: 1, verdict: 'shelved' as 'applied' }]);
    expect(storedRows(db)[0]).toMatchObject({ status: 'syncing' });
  });
});

describe('a person decides', () => {
  test('retry sends a row again that used its retries', async () => {
    const { queue, db } = await openTestQueue();
    await queue.enqueue({ ...count('s1', 'A'), max_retries: 1 }, 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([retry(1)]);
    await queue.retry(1);
    expect(storedRows(db)[0]).toMatchObject({ status: 'pending', retry_count: 0, error_message: null });
  });

  test('retry is refused for rejected, pending and unknown rows', async () => {
    const { queue } = await withRows(2);
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([{ id: 1, verdict: 'rejected', code: 'invalid_payload' }]);
    await expect(queue.retry(1)).rejects.toMatchObject({ code: 'row_rejected' });
    await expect(queue.retry(2)).rejects.toMatchObject({ code: 'not_failed' });
    await expect(queue.retry(3)).rejects.toMatchObject({ code: 'unknown_row' });
  });

  test('resolve ends a conflict and nothing else', async () => {
    const { queue, db } = await withRows(2);
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([{ id: 1, verdict: 'conflict', code: 'update_conflict' }]);
    await expect(queue.resolve(2)).rejects.toMatchObject({ code: 'not_in_conflict' });
    await queue.resolve(1);
    expect(storedRows(db).map((row) => row['id'])).toEqual([2]);
  });
});

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
