import { describe, expect, test } from 'vitest';
import { applied, ids, retry, withRows } from './row-fixtures.ts';
import { count, openTestQueue, storedRows } from './temp-queue.ts';

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
