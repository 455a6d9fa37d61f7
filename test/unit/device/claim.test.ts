import { describe, expect, test } from 'vitest';
import { applied, ids, retry, withRows } from './row-fixtures.ts';
import { count, openTestQueue, start, storedRows } from './temp-queue.ts';

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
