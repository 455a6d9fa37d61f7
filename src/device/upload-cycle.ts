import type { OperationResult } from '../contract/wire-types.ts';
import type { ClaimedBatch } from './claim-batch.ts';
import type { Sender } from './send-batch.ts';
import type { ServerAnswer } from './server-answer.ts';
import type { SettleSummary } from './settle-results.ts';
import type { SyncQueue } from './sync-queue.ts';

/** What one cycle did, in rows. `conflict`, `failed` and `waiting` are new ones of this cycle. */
export interface SyncReport extends SettleSummary {
  /** Uploads that were answered with verdicts. */
  uploads: number;
  /** Conflicts of before that turned out to be resolved. */
  resolved: number;
  state: 'idle' | 'pending' | 'offline' | 'attention';
  /** Why the cycle ended early; null when it did not. */
  reason: string | null;
  /** What the server asked to wait; null when it did not. */
  retryAfterMs: number | null;
}

/** How many rows go into one upload. Halved when the server finds them too large, grown back on success. */
export interface Pace {
  rows: number;
  readonly mostRows: number;
}

export interface CycleParts {
  queue: SyncQueue;
  sender: Sender;
  user: string;
  pace: Pace;
  isStopping: () => boolean;
}

/** Why a cycle ends before everything was sent. */
type Halt = Pick<SyncReport, 'state' | 'reason' | 'retryAfterMs'>;

/** Uploads until nothing is left to send or something stands in the way; then asks once about conflicts. */
export async function runCycle(parts: CycleParts): Promise<SyncReport> {
  const { queue, user, pace, isStopping } = parts;
  const report = emptyReport();
  const seen = { reusedBatchId: false, renamed: false };
  let halt: Halt | null = null;
  while (halt === null && !isStopping()) {
    const batch = await queue.claimBatch({ user, limit: pace.rows });
    if (batch === null) break;
    halt = await upload(parts, { batch, report, seen });
  }
  if (halt === null && !isStopping()) halt = await askAboutConflicts(parts, report);
  return {
    ...report,
    ...(halt ?? { state: await restingState(queue, user), reason: null, retryAfterMs: null }),
  };
}

/** A report in which nothing happened. */
export function emptyReport(): SyncReport {
  return {
    uploads: 0,
    synced: 0,
    conflict: 0,
    failed: 0,
    waiting: 0,
    renamed: 0,
    resolved: 0,
    state: 'idle',
    reason: null,
    retryAfterMs: null,
  };
}

interface Upload {
  batch: ClaimedBatch;
  report: SyncReport;
  /** What happens at most once in a cycle; the second time the server is not to be reasoned with. */
  seen: { reusedBatchId: boolean; renamed: boolean };
}

async function upload(parts: CycleParts, run: Upload): Promise<Halt | null> {
  const { queue, sender, user } = parts;
  try {
    const { pending } = await queue.stats({ user });
    return await settleAnswer(parts, run, await sender.send(run.batch, pending));
  } catch (error) {
    // Whatever SQLite has, the rows must not stay `syncing` in a running app; the upload stays recorded.
    await queue.release(run.batch).catch(() => undefined);
    throw error;
  }
}

async function settleAnswer(parts: CycleParts, run: Upload, answer: ServerAnswer): Promise<Halt | null> {
  const { queue, pace } = parts;
  const { batch, report, seen } = run;
  switch (answer.kind) {
    case 'results':
      pace.rows = Math.min(pace.mostRows, pace.rows * 2);
      return settleResults(queue, run, answer.results);
    case 'too_large':
      await makeSmaller(parts, batch, report);
      return null;
    case 'batch_id_reused':
      await queue.release(batch, { forget: true });
      if (seen.reusedBatchId)
        return { state: 'attention', reason: 'batch ids are refused', retryAfterMs: null };
      seen.reusedBatchId = true;
      return null;
    default:
      await queue.release(batch);
      return haltOf(answer);
  }
}

async function settleResults(
  queue: SyncQueue,
  { batch, report, seen }: Upload,
  results: readonly OperationResult[],
): Promise<Halt | null> {
  const settled = await queue.settle(resultsOf(batch, results));
  report.uploads += 1;
  addTo(report, settled);
  const moved = settled.synced + settled.conflict + settled.failed + settled.waiting + settled.renamed;
  if (moved < batch.items.length) {
    await queue.release(batch, { forget: true });
    return { state: 'offline', reason: 'the answer left out operations', retryAfterMs: null };
  }
  if (settled.renamed > 0 && seen.renamed) {
    return { state: 'pending', reason: 'ids were reused twice', retryAfterMs: null };
  }
  seen.renamed ||= settled.renamed > 0;
  return null;
}

/** A verdict about a row that was not asked about is nobody's business. */
function resultsOf(batch: ClaimedBatch, results: readonly OperationResult[]): OperationResult[] {
  const ids = new Set(batch.items.map((item) => item.id));
  return results.filter((result) => ids.has(result.id));
}

function addTo(report: SyncReport, settled: SettleSummary): void {
  report.synced += settled.synced;
  report.conflict += settled.conflict;
  report.failed += settled.failed;
  report.waiting += settled.waiting;
  report.renamed += settled.renamed;
}

/** Half as many rows next time; a single one that is still too large waits for a person. */
async function makeSmaller(
  { queue, pace }: CycleParts,
  batch: ClaimedBatch,
  report: SyncReport,
): Promise<void> {
  const [first, second] = batch.items;
  if (first !== undefined && second === undefined) {
    await queue.setAside(first.id, 'batch_too_large: this operation alone is larger than the server accepts');
    report.failed += 1;
    return;
  }
  await queue.release(batch, { forget: true });
  pace.rows = Math.floor(batch.items.length / 2);
}

/** The rows stay `conflict` meanwhile; an answer that does not come is asked for again in the next cycle. */
async function askAboutConflicts(
  { queue, sender, user, pace, isStopping }: CycleParts,
  report: SyncReport,
): Promise<Halt | null> {
  for (const question of await queue.conflictQuestions({ user, limit: pace.rows })) {
    if (isStopping()) return null;
    const { pending } = await queue.stats({ user });
    const answer = await sender.send(question, pending);
    if (answer.kind === 'results')
      report.resolved += (await queue.settle(resultsOf(question, answer.results))).synced;
    else if (answer.kind !== 'received' && answer.kind !== 'too_large' && answer.kind !== 'batch_id_reused') {
      return haltOf(answer);
    }
  }
  return null;
}

function haltOf(answer: Exclude<ServerAnswer, { kind: 'results' | 'too_large' | 'batch_id_reused' }>): Halt {
  switch (answer.kind) {
    case 'received':
      return { state: 'pending', reason: 'the server is still working on the upload', retryAfterMs: null };
    case 'slow_down':
      return { state: 'pending', reason: answer.reason, retryAfterMs: answer.waitMs };
    case 'unreachable':
      return { state: 'offline', reason: answer.reason, retryAfterMs: null };
    case 'unauthorized':
    case 'refused':
      return { state: 'attention', reason: answer.reason, retryAfterMs: null };
  }
}

async function restingState(queue: SyncQueue, user: string): Promise<'idle' | 'pending'> {
  const stats = await queue.stats({ user });
  return stats.pending + stats.syncing > stats.other_users ? 'pending' : 'idle';
}
