import { describe, expect, test } from 'vitest';
import type { UploadBatch } from '../../../src/contract/wire-types.ts';
import { createUploader, type Uploader, type UploaderOptions } from '../../../src/device/uploader.ts';
import {
  answer,
  type FakeEngine,
  type FastTimer,
  fastTimer,
  type Received,
  type Reply,
  refusal,
  startFakeEngine,
  verdicts,
} from './fake-engine.ts';
import { count, type OpenQueue, openTestQueue, start, storedRows } from './temp-queue.ts';

interface Scene extends OpenQueue {
  engine: FakeEngine;
  uploader: Uploader;
  timer: FastTimer;
  states: string[];
}

async function scene(rows: number, options: Partial<UploaderOptions> = {}): Promise<Scene> {
  const opened = await openTestQueue();
  const engine = await startFakeEngine();
  const timer = fastTimer();
  const states: string[] = [];
  for (let i = 1; i <= rows; i++) await opened.queue.enqueue(count(`s${i}`, 'A'), 'ann');
  const uploader = createUploader({
    queue: opened.queue,
    url: `${engine.url}/`,
    token: () => 'token-1',
    user: 'ann',
    fetch,
    now: opened.clock.now,
    random: () => 0.5,
    timer,
    onState: (state) => states.push(state),
    ...options,
  });
  return { ...opened, engine, uploader, timer, states };
}

const itemIds = (batch: UploadBatch): number[] => batch.items.map((item) => item.id);
const statuses = (opened: OpenQueue) => storedRows(opened.db).map((row) => row['status']);
const cut = (): Reply => ({ status: 0, cut: true });
const statusOfBatch = (request: Received, state: 'received' | 'processing'): Reply => ({
  status: request.method === 'POST' ? 202 : 200,
  body:
    request.method === 'POST'
      ? { batch_id: request.body!.batch_id, state: 'received', received: request.body!.items.length }
      : answer(request.path.split('/').at(-1)!, state),
});

describe('syncOnce', () => {
  test('sends the published shape and forgets what was applied', async () => {
    const s = await scene(3, { batchLimit: 2 });
    const report = await s.uploader.syncOnce();
    expect(report).toMatchObject({ uploads: 2, synced: 3, state: 'idle', reason: null });
    expect(storedRows(s.db)).toEqual([]);
    const [first] = s.engine.received;
    expect(first).toMatchObject({ method: 'POST', path: '/api/sync/batches' });
    expect(first!.headers).toMatchObject({
      authorization: 'Bearer token-1',
      prefer: 'wait=10',
      'content-type': 'application/json',
    });
    expect(first!.body).toMatchObject({ sent_at: s.clock.now(), queue_remaining: 1, schema_version: 1 });
    expect(first!.body!.items[0]).toMatchObject({ id: 1, retry_count: 0, operation: 'count_update' });
    expect(s.engine.uploads().map(itemIds)).toEqual([[1, 2], [3]]);
    expect(s.states).toEqual(['syncing', 'idle']);
  });

  test('does nothing without rows', async () => {
    const s = await scene(0);
    expect(await s.uploader.syncOnce()).toMatchObject({ uploads: 0, state: 'idle' });
    expect(s.engine.received).toEqual([]);
  });

  test('sends nothing of other users', async () => {
    const s = await scene(1);
    await s.queue.enqueue(count('s1', 'B'), 'bob');
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1, state: 'idle' });
    expect(statuses(s)).toEqual(['pending']);
  });

  test('a lost answer: the same upload goes out again under the same id, newer rows after it', async () => {
    const s = await scene(2);
    s.engine.script = [cut];
    expect(await s.uploader.syncOnce()).toMatchObject({ uploads: 0, state: 'offline' });
    expect(storedRows(s.db).map((row) => [row['status'], row['retry_count']])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ]);
    await s.queue.enqueue(count('s9', 'A'), 'ann');
    s.engine.script = [(r) => verdicts(r.body!, (id) => ({ id, verdict: 'duplicate' }))];
    expect(await s.uploader.syncOnce()).toMatchObject({ uploads: 2, synced: 3, state: 'idle' });
    const [lost, again, next] = s.engine.uploads();
    expect(again!.batch_id).toBe(lost!.batch_id);
    expect(again!.items).toEqual(lost!.items);
    expect(itemIds(next!)).toEqual([3]);
  });

  test('a lost answer and a killed app: the next start resumes the upload', async () => {
    const s = await scene(2);
    s.engine.script = [cut];
    await s.uploader.syncOnce();
    await s.queue.claimBatch({ user: 'ann', limit: 5 });
    s.db.close();
    const reopened = await openTestQueue({ path: s.path, clock: s.clock });
    const options = { url: s.engine.url, token: () => 't', user: 'ann', fetch, timer: s.timer };
    expect(await createUploader({ queue: reopened.queue, ...options }).syncOnce()).toMatchObject({
      synced: 2,
    });
    const [lost, again] = s.engine.uploads();
    expect(again!.batch_id).toBe(lost!.batch_id);
    expect(again!.items).toEqual(lost!.items);
  });

  test.each([
    ['a hotel sign-in page', { status: 200, body: '<html>Welcome</html>' }],
    [
      'another batch',
      { status: 200, body: { ...answer('other', 'applied'), results: [{ id: 1, verdict: 'applied' }] } },
    ],
    ['a 502', { status: 502, body: 'Bad gateway' }],
    ['no answer at all', { status: 0, hang: true }],
  ])('%s is no verdict', async (_name, reply) => {
    const s = await scene(1);
    s.engine.script = [() => reply];
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'offline', synced: 0 });
    expect(storedRows(s.db)[0]).toMatchObject({ status: 'pending', retry_count: 0 });
  });

  test('verdicts of a wrong shape, or about other rows, are left out', async () => {
    const s = await scene(2, { batchLimit: 1 });
    const odd = [
      { id: 1, verdict: 'conflict', code: { $gt: '' } },
      { id: 2, verdict: 'applied' },
      { id: '1', verdict: 'applied' },
      null,
    ];
    s.engine.script = [
      (r) => ({ status: 200, body: { ...answer(r.body!.batch_id, 'applied'), results: odd } }),
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'offline', synced: 0 });
    expect(statuses(s)).toEqual(['pending', 'pending']);
  });

  test('an answer that leaves out operations frees them', async () => {
    const s = await scene(2);
    s.engine.script = [
      (r) => ({
        status: 200,
        body: { ...answer(r.body!.batch_id, 'applied'), results: [{ id: 1, verdict: 'applied' }] },
      }),
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'offline', synced: 1 });
    expect(statuses(s)).toEqual(['pending']);
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'idle', synced: 1 });
  });

  test('asks on after a 202 until the verdicts are there', async () => {
    const s = await scene(2);
    let batch: UploadBatch;
    s.engine.script = [
      (r) => {
        batch = r.body!;
        return statusOfBatch(r, 'received');
      },
      (r) => statusOfBatch(r, 'processing'),
      (r) => {
        expect(r).toMatchObject({ method: 'GET', path: `/api/sync/batches/${batch.batch_id}` });
        return verdicts(batch, (id) => ({ id, verdict: 'applied' }));
      },
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ uploads: 1, synced: 2, state: 'idle' });
  });

  test('stops asking in the end and resumes under the same id', async () => {
    const s = await scene(1);
    const normally = s.engine.otherwise;
    s.engine.otherwise = (r) => statusOfBatch(r, 'processing');
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'pending', synced: 0 });
    expect(s.engine.received.length).toBeLessThan(20);
    expect(statuses(s)).toEqual(['pending']);
    s.engine.otherwise = normally;
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'idle', synced: 1 });
    const [lost, again] = s.engine.uploads();
    expect(again!.batch_id).toBe(lost!.batch_id);
  });

  test('halves what is too large, down to one operation, which is set aside', async () => {
    const s = await scene(9);
    const normally = s.engine.otherwise;
    s.engine.otherwise = (r) =>
      itemIds(r.body!).includes(6) ? refusal(413, 'batch_too_large') : normally(r);
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 8, failed: 1, state: 'idle' });
    expect(storedRows(s.db)).toMatchObject([{ id: 6, status: 'failed', retry_count: 3 }]);
    const before = s.engine.received.length;
    s.clock.advance(24 * 3_600_000);
    await s.uploader.syncOnce();
    expect(s.engine.received.length).toBe(before);
    await s.queue.retry(6);
    s.engine.otherwise = normally;
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1 });
  });

  test.each([429, 503])('on %i it waits as long as the server asked', async (status) => {
    const s = await scene(1);
    s.engine.script = [() => refusal(status, 'rate_limited', { 'retry-after': '7' })];
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'pending', retryAfterMs: 7_000 });
    expect(storedRows(s.db)[0]).toMatchObject({ status: 'pending', retry_count: 0 });
    s.clock.advance(6_999);
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'pending', retryAfterMs: 1 });
    expect(s.engine.received).toHaveLength(1);
    s.clock.advance(1);
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1 });
  });

  test('reads Retry-After as a date too', async () => {
    const s = await scene(1);
    const at = new Date(s.clock.now() + 90_000).toUTCString();
    s.engine.script = [() => refusal(503, 'unavailable', { 'retry-after': at })];
    expect(await s.uploader.syncOnce()).toMatchObject({ retryAfterMs: 90_000 });
  });

  test('asks for a token once more after a 401', async () => {
    let asked = 0;
    const s = await scene(1, { token: async () => `token-${++asked}` });
    s.engine.script = [() => refusal(401, 'unauthorized')];
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1, state: 'idle' });
    expect(s.engine.received.map((r) => r.headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    expect(s.engine.uploads()[1]!.batch_id).toBe(s.engine.uploads()[0]!.batch_id);
  });

  test('two 401s in a row need a person', async () => {
    const s = await scene(1);
    s.engine.otherwise = () => refusal(401, 'unauthorized');
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'attention' });
    expect(s.engine.received).toHaveLength(2);
    expect(s.uploader.state).toBe('attention');
    expect(storedRows(s.db)[0]).toMatchObject({ status: 'pending', retry_count: 0 });
  });

  test('a token that cannot be had counts as offline', async () => {
    const s = await scene(1, { token: () => Promise.reject(new Error('no network')) });
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'offline', reason: 'no network' });
    expect(statuses(s)).toEqual(['pending']);
  });

  test.each([400, 403, 404])('a %i needs a person and keeps the rows', async (status) => {
    const s = await scene(1);
    s.engine.script = [() => refusal(status, 'invalid_request')];
    expect(await s.uploader.syncOnce()).toMatchObject({
      state: 'attention',
      reason: `HTTP ${status} · invalid_request · no`,
    });
    expect(s.engine.received).toHaveLength(1);
    expect(statuses(s)).toEqual(['pending']);
  });

  test('a reused batch id is replaced once', async () => {
    const s = await scene(1);
    s.engine.script = [() => refusal(409, 'batch_id_reused')];
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1 });
    const [first, second] = s.engine.uploads();
    expect(second!.batch_id).not.toBe(first!.batch_id);
    expect(second!.items).toEqual(first!.items);

    await s.queue.enqueue(count('s1', 'B'), 'ann');
    s.engine.otherwise = () => refusal(409, 'batch_id_reused');
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'attention' });
    expect(s.engine.uploads()).toHaveLength(4);
  });

  test('reused ids go out again at once under a new epoch', async () => {
    const s = await scene(2);
    s.engine.script = [
      (r) => verdicts(r.body!, (id) => ({ id, verdict: 'rejected', code: 'operation_id_reused' })),
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ renamed: 2, synced: 2, state: 'idle' });
    const [first, second] = s.engine.uploads();
    expect(second!.queue_epoch).not.toBe(first!.queue_epoch);
    expect(second!.items).toEqual(first!.items);
  });

  test('a server that finds every id reused does not keep the cycle busy', async () => {
    const s = await scene(2);
    s.engine.otherwise = (r) =>
      verdicts(r.body!, (id) => ({ id, verdict: 'rejected', code: 'operation_id_reused' }));
    expect(await s.uploader.syncOnce()).toMatchObject({ state: 'pending' });
    expect(s.engine.uploads()).toHaveLength(2);
    expect(storedRows(s.db)[0]).toMatchObject({ status: 'pending', retry_count: 0 });
  });

  test('retried rows go out under a new batch id, with their count', async () => {
    const s = await scene(0);
    await s.queue.enqueue(start('s1'), 'ann');
    s.engine.script = [
      (r) => verdicts(r.body!, (id) => ({ id, verdict: 'retry', code: 'temporarily_unavailable' })),
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ waiting: 1, synced: 0 });
    s.clock.advance(10_000);
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1 });
    const [first, second] = s.engine.uploads();
    expect(second!.batch_id).not.toBe(first!.batch_id);
    expect(second!.items).toEqual([{ ...first!.items[0], retry_count: 1 }]);
  });
});

describe('conflicts', () => {
  test('are asked about once per cycle and end when they were resolved', async () => {
    const s = await scene(2);
    const conflict = (r: Received): Reply =>
      verdicts(r.body!, (id) => ({
        id,
        verdict: 'conflict',
        code: 'update_conflict',
        conflict_id: `c${id}`,
      }));
    s.engine.script = [conflict, conflict];
    expect(await s.uploader.syncOnce()).toMatchObject({ conflict: 2, resolved: 0 });
    const [upload, question] = s.engine.uploads();
    expect(question!.items).toEqual(upload!.items);
    expect(question!.batch_id).not.toBe(upload!.batch_id);
    expect(statuses(s)).toEqual(['conflict', 'conflict']);

    s.engine.script = [
      (r) =>
        verdicts(r.body!, (id) =>
          id === 1
            ? { id, verdict: 'duplicate', resolution: 'keep_server' }
            : { id, verdict: 'conflict', code: 'update_conflict', conflict_id: 'c2' },
        ),
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ resolved: 1, conflict: 0, state: 'idle' });
    expect(storedRows(s.db)).toMatchObject([{ id: 2, status: 'conflict', retry_count: 0 }]);
  });

  test('are not asked about while the server cannot be reached', async () => {
    const s = await scene(1);
    s.engine.script = [
      (r) => verdicts(r.body!, (id) => ({ id, verdict: 'conflict', code: 'lock_conflict' })),
      cut,
    ];
    expect(await s.uploader.syncOnce()).toMatchObject({ conflict: 1, state: 'offline' });
    expect(statuses(s)).toEqual(['conflict']);
  });
});

describe('never two uploads at once', () => {
  test('calls during a cycle share one that follows it', async () => {
    const s = await scene(5, { batchLimit: 1 });
    const first = s.uploader.syncOnce();
    await s.queue.enqueue(count('s7', 'A'), 'ann');
    const others = [s.uploader.syncOnce(), s.uploader.syncOnce(), s.uploader.syncOnce()];
    expect(others[1]).toBe(others[0]);
    await Promise.all([first, ...others]);
    expect(s.engine.mostAtOnce()).toBe(1);
    expect(s.engine.uploads().flatMap(itemIds).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(storedRows(s.db)).toEqual([]);
  });

  test('start loops, backs off with full jitter while offline, and stop waits for the cycle', async () => {
    const s = await scene(1);
    s.engine.script = [cut, cut, cut];
    s.uploader.start({ intervalMs: 60_000 });
    s.uploader.start();
    while (storedRows(s.db).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await s.uploader.stop();
    const waits = s.timer.waits.filter((ms) => ms !== 30_000);
    // Half of 2 s, 4 s, 8 s, as the test's dice always show 0.5; then the interval.
    expect(waits.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
    expect(s.states.filter((state) => state === 'offline')).toHaveLength(3);
    const sent = s.engine.received.length;
    await s.queue.enqueue(count('s1', 'B'), 'ann');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(s.engine.received).toHaveLength(sent);
    s.uploader.start({ intervalMs: 60_000 });
    while (storedRows(s.db).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await s.uploader.stop();
  });

  test('a fault of the database frees the rows and is told', async () => {
    const s = await scene(1);
    const run = s.db.run;
    const all = s.db.all;
    s.db.all = (sql, params) => {
      if (sql.startsWith('DELETE') || sql.includes('r.verdict, r.retry_at'))
        throw new Error('disk I/O error');
      return all(sql, params);
    };
    await expect(s.uploader.syncOnce()).rejects.toThrow('disk I/O error');
    expect(s.uploader.state).toBe('attention');
    expect(statuses(s)).toEqual(['pending']);
    s.db.all = all;
    s.db.run = run;
    expect(await s.uploader.syncOnce()).toMatchObject({ synced: 1 });
    const [first, second] = s.engine.uploads();
    expect(second!.batch_id).toBe(first!.batch_id);
  });
});
