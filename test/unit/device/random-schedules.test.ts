import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OperationResult, UploadItem, Verdict } from '../../../src/contract/wire-types.ts';
import type { ClaimedBatch } from '../../../src/device/claim-batch.ts';
import { openSyncQueue, type SyncQueue } from '../../../src/device/sync-queue.ts';
import { openNodeSqlite } from '../../../src/device-node/node-sqlite.ts';
import { count, fakeClock } from './temp-queue.ts';

// Random schedules of what people, networks and crashes do, against a server that keeps the published
// ledger: an identity has one content and one verdict for ever.

interface Entry {
  content: string;
  verdict: Verdict | 'foreign';
}

/** The server's side of the contract, and the place where a device that breaks it is caught. */
function createLedger(foreignIds: number) {
  const ledger = new Map<string, Entry>();
  const batches = new Map<string, { content: string; results: OperationResult[] }>();
  const appliedOrder = new Map<string, number[]>();
  let firstEpoch: string | null = null;

  function judge(batch: ClaimedBatch, item: UploadItem, wanted: Verdict): OperationResult {
    const { retry_count: _, ...content } = item;
    const name = `${batch.device_id}/${batch.queue_epoch}/${item.id}`;
    const known = ledger.get(name);
    if (known?.verdict === 'foreign')
      return { id: item.id, verdict: 'rejected', code: 'operation_id_reused' };
    if (known !== undefined) {
      expect(known.content, 'the content of an operation never changes').toBe(JSON.stringify(content));
      return { id: item.id, verdict: known.verdict === 'applied' ? 'duplicate' : known.verdict };
    }
    if (wanted === 'retry') return { id: item.id, verdict: 'retry', code: 'temporarily_unavailable' };
    ledger.set(name, { content: JSON.stringify(content), verdict: wanted });
    if (wanted !== 'applied') return { id: item.id, verdict: wanted };
    const { session_id: sessionId } = item.payload as { session_id: string };
    const order = appliedOrder.get(`${batch.user}/${sessionId}`) ?? [];
    order.push(item.id);
    appliedOrder.set(`${batch.user}/${sessionId}`, order);
    const server = { version: order.length, counted_by: batch.user, counted_at: '2025-10-09T08:00:00Z' };
    return { id: item.id, verdict: 'applied', server };
  }

  return {
    appliedOrder,
    /** How often a row got a lasting verdict; more than once means it went out under two names. */
    verdictsOf(id: number): Verdict[] {
      return [...ledger].flatMap(([name, entry]) =>
        name.endsWith(`/${id}`) && entry.verdict !== 'foreign' ? [entry.verdict] : [],
      );
    },
    receive(batch: ClaimedBatch, wanted: (index: number) => Verdict): OperationResult[] {
      if (firstEpoch === null) {
        firstEpoch = batch.queue_epoch;
        for (let id = 1; id <= foreignIds; id++) {
          ledger.set(`${batch.device_id}/${firstEpoch}/${id}`, { content: '', verdict: 'foreign' });
        }
      }
      const content = JSON.stringify([
        batch.queue_epoch,
        batch.items.map(({ retry_count: _, ...item }) => item),
      ]);
      const known = batches.get(batch.batch_id);
      if (known !== undefined) {
        expect(known.content, 'a batch id names one content').toBe(content);
        return known.results;
      }
      const stopped = new Set<string>();
      const results = batch.items.map((item, index) => {
        const { session_id: sessionId } = item.payload as { session_id: string };
        const result = judge(batch, item, stopped.has(sessionId) ? 'retry' : wanted(index));
        if (result.verdict === 'retry') stopped.add(sessionId);
        return result;
      });
      batches.set(batch.batch_id, { content, results });
      return results;
    },
  };
}

const user = fc.constantFrom('ann', 'bob');
const verdict = fc.constantFrom<Verdict>('applied', 'applied', 'applied', 'conflict', 'rejected', 'retry');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('enqueue' as const), user, session: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('upload' as const),
      user,
      limit: fc.integer({ min: 1, max: 5 }),
      verdicts: fc.array(verdict, { minLength: 5, maxLength: 5 }),
      end: fc.constantFrom(
        'answered',
        'answered',
        'request lost',
        'answer lost',
        'answer cut',
        'killed',
        'forgotten',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: -60_000, max: 60_000 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function play(steps: readonly Step[], foreignIds: number): Promise<void> {
  const db = openNodeSqlite(':memory:');
  const clock = fakeClock();
  const ledger = createLedger(foreignIds);
  const open = (): Promise<SyncQueue> => openSyncQueue(db, { now: clock.now, random: () => 0.3 });
  let queue = await open();
  let enqueued = 0;

  async function upload(s: Extract<Step, { kind: 'upload' }>): Promise<boolean> {
    const batch = await queue.claimBatch({ user: s.user, limit: s.limit });
    if (batch === null) return false;
    if (s.end === 'request lost') {
      await queue.release(batch);
      return true;
    }
    const results = ledger.receive(batch, (index) => s.verdicts[index % 5]!);
    if (s.end === 'answered') await queue.settle(results);
    else if (s.end === 'answer cut') {
      await queue.settle(results.slice(0, Math.ceil(results.length / 2)));
      await queue.release(batch);
    } else if (s.end === 'killed') queue = await open();
    else await queue.release(batch, { forget: s.end === 'forgotten' });
    return true;
  }

  for (const s of steps) {
    if (s.kind === 'enqueue') enqueued = await queue.enqueue(count(`s${s.session}`, 'A'), s.user);
    else if (s.kind === 'wait') clock.advance(s.ms);
    else await upload(s);
    for (const row of await queue.list()) expect(row.retry_count).toBeLessThanOrEqual(row.max_retries);
  }
  queue = await open();
  for (let quiet = 0; quiet < 3; clock.advance(5 * 60_000)) {
    const all = { kind: 'upload', limit: 5, verdicts: Array(5).fill('applied'), end: 'answered' } as const;
    const sent = [await upload({ ...all, user: 'ann' }), await upload({ ...all, user: 'bob' })];
    quiet = sent.includes(true) ? 0 : quiet + 1;
  }

  const left = new Map((await queue.list()).map((row) => [row.id, row]));
  for (let id = 1; id <= enqueued; id++) {
    const row = left.get(id);
    const verdicts = ledger.verdictsOf(id);
    const expected =
      row === undefined
        ? 'applied'
        : row.status === 'conflict'
          ? 'conflict'
          : row.verdict === 'rejected'
            ? 'rejected'
            : null;
    expect(verdicts, `row ${id}`).toEqual(expected === null ? [] : [expected]);
    if (expected === null) expect(row).toMatchObject({ status: 'failed', retry_count: 3, retry_at: null });
  }
  // A restored phone's ids may be half known to the server, and then its answers decide the order.
  if (foreignIds === 0) {
    for (const order of ledger.appliedOrder.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
  }
  db.close();
}

test('whatever happens, each operation gets one lasting verdict, in the order of its session', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => play(steps, 0)),
    { numRuns: 150 },
  );
});

test('a phone restored from its backup: the same, under a new epoch', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), play),
    { numRuns: 150 },
  );
});
