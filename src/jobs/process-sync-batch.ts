import { randomUUID } from 'node:crypto';
import type { OperationResult } from '../contract/wire-types.ts';
import type { Database } from '../db/database.ts';
import { addDeadLetter } from '../db/dead-letters.ts';
import { releaseLease, renewLease, type Term, takeLease } from '../db/leases.ts';
import { appendEvents } from '../db/outbox.ts';
import { readServerTime } from '../db/server-time.ts';
import type { ChunkPosition } from '../db/sync/apply-decisions.ts';
import { applyDecisions } from '../db/sync/apply-decisions.ts';
import { loadSnapshot } from '../db/sync/load-snapshot.ts';
import {
  BatchMovedOn,
  type ClaimedBatch,
  claimNextBatch,
  countStart,
  returnStart,
  startAlone,
} from '../db/sync/sync-batches.ts';
import { loadLedger } from '../db/sync/sync-operations.ts';
import { inTransaction } from '../db/transaction.ts';
import { isTransient } from '../db/transient.ts';
import { person } from '../domain/events/actor.ts';
import type { ChunkPlan, InboxOperation, UploadContext } from '../domain/sync/chunk.ts';
import { decideChunk, rejectFailed } from '../domain/sync/decide-chunk.ts';
import type { JobPayload, PayloadOf } from '../queues/definitions.ts';
import type { Logger } from '../runtime/logger.ts';

export interface SyncDependencies {
  database: Database;
  timezone: string;
  maxCountAgeDays: number;
  logger: Logger;
  ring: (payload: JobPayload) => Promise<void>;
  ringAt: (at: Date) => Promise<void>;
  notifyOutbox: () => void;
  /** Tells waiting uploads that a batch is through, and counts its verdicts. */
  batchApplied: (batchId: string, verdicts: Readonly<Record<string, number>>, seconds: number) => void;
  /** The decision itself; tests put one here that fails. */
  decide?: typeof decideChunk;
  /** How long a suspect whose process died keeps the others waiting. Default 5 s. */
  suspectLeaseMs?: number;
}

/** A drain ends after this long or this many batches and goes to the back, so that devices take turns. */
const MAX_DRAIN_MS = 2_000;
const MAX_BATCHES = 5;

/**
 * When a process dies, every batch that it was working on is suspect, and one operation of one of them is to
 * blame. Suspects therefore go one at a time over all processes: whoever dies now has named itself. The first
 * death was anybody's, the second that of a whole batch alone, the third that of one operation alone, which
 * is set aside (invariants S3, E3).
 */
const SUSPECTS = 'sync-suspects';
const MAX_SUSPECT_STARTS = 1;

/** Shorter than the 10 s after which the job of a dead process runs again. */
const SUSPECT_LEASE_MS = 5_000;

/** Another suspect has its turn; the job is tried again in a moment. */
export class SuspectWaits extends Error {
  override name = 'SuspectWaits';
}

/** Applies one device's waiting batches in the order received, then makes room for other devices. */
export async function processSyncBatch(
  dependencies: SyncDependencies,
  { device_id }: PayloadOf<'process-sync-batch'>,
): Promise<void> {
  const until = performance.now() + MAX_DRAIN_MS;
  for (let batches = 0; batches < MAX_BATCHES && performance.now() < until; batches += 1) {
    const batch = await claimNextBatch(dependencies.database, device_id);
    if (!batch) return;
    const through = await applyBatch(dependencies, batch);
    // Another drainer of this device took over.
    if (!through) return;
  }
  await dependencies.ring({ v: 1, type: 'process-sync-batch', device_id });
}

async function applyBatch(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<boolean> {
  const startedAt = performance.now();
  // Claimed before without progress: a process died with it, or another drainer is at it.
  const term = batch.attempts > 1 ? await takeTurn(dependencies, batch) : undefined;
  try {
    while (batch.next_item < batch.items.length) {
      if (term) await applyAsSuspect(dependencies, batch, term);
      else if (isAlone(batch)) await applyOne(dependencies, batch);
      else await applyRest(dependencies, batch);
    }
  } catch (error) {
    if (error instanceof BatchMovedOn) return false;
    // This process lives and the database failed: the operations are not to blame for this start.
    if (isTransient(error)) await returnStart(dependencies.database, batch._id).catch(() => {});
    throw error;
  } finally {
    if (term) await releaseLease(dependencies.database, term).catch(() => {});
  }
  const verdicts = countVerdicts(batch.results);
  const durationMs = Math.round(performance.now() - startedAt);
  dependencies.batchApplied(batch._id, verdicts, durationMs / 1000);
  dependencies.logger.info(
    {
      batch_id: batch._id,
      device_id: batch.device_id,
      operations: batch.items.length,
      verdicts,
      duration_ms: durationMs,
    },
    'batch applied',
  );
  return true;
}

async function takeTurn(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<Term> {
  const { database, suspectLeaseMs: ttlMs = SUSPECT_LEASE_MS } = dependencies;
  const term = await takeLease(database, { lease: SUSPECTS, holder: batch._id, ttlMs });
  if (!term) throw new SuspectWaits(`batch ${batch._id} waits until another suspect is through`);
  return term;
}

/** The next step of a suspect: whole once, then one operation at a time, each with a mark before it. */
async function applyAsSuspect(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  term: Term,
): Promise<void> {
  const { database, suspectLeaseMs = SUSPECT_LEASE_MS } = dependencies;
  const died = batch.suspect_starts >= MAX_SUSPECT_STARTS;
  if (died && isAlone(batch)) {
    const item = batch.items[batch.next_item]!;
    await setAside(dependencies, batch, item, 'It ended its process three times.');
    return;
  }
  if (died) await startAlone(database, batch);
  await countStart(database, batch, { suspect: true });
  await renewLease(database, term, suspectLeaseMs);
  if (isAlone(batch)) await applyOne(dependencies, batch);
  else await applyRest(dependencies, batch);
}

const isAlone = (batch: ClaimedBatch): boolean => batch.next_item < batch.isolate_until;

/** The rest of the batch in one transaction; when that throws, its operations go one by one. */
async function applyRest(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<void> {
  try {
    await applyItems(dependencies, batch, batch.items.slice(batch.next_item));
  } catch (error) {
    if (error instanceof BatchMovedOn || isTransient(error)) throw error;
    dependencies.logger.warn({ err: error, batch_id: batch._id }, 'batch failed; one operation at a time');
    await startAlone(dependencies.database, batch);
  }
}

/** The next operation in a transaction of its own; set aside when it fails for good. */
async function applyOne(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<void> {
  const item = batch.items[batch.next_item]!;
  if (batch.attempts === 0) await countStart(dependencies.database, batch, { suspect: false });
  try {
    await applyItems(dependencies, batch, [item]);
  } catch (error) {
    if (error instanceof BatchMovedOn || isTransient(error)) throw error;
    dependencies.logger.error({ err: error, batch_id: batch._id, id: item.id }, 'operation set aside');
    await setAside(dependencies, batch, item, error instanceof Error ? error.message : String(error));
  }
}

/** Load, decide, apply: in one transaction, which the driver may run again from its start. */
async function applyItems(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  items: readonly InboxOperation[],
): Promise<void> {
  const { database, timezone, decide = decideChunk } = dependencies;
  const context = uploadContext(dependencies, batch);
  const earlier = { items: batch.items.slice(0, batch.next_item), results: batch.results };
  const { plan, nextExpiryAt } = await inTransaction(database, async (session) => {
    const snapshot = await loadSnapshot(database, session, batch, items);
    const plan = decide(items, snapshot, context, earlier);
    const applied = await applyDecisions(database, session, position(batch), plan, context, {
      now: snapshot.now,
      timezone,
    });
    return { plan, ...applied };
  });
  noteProgress(batch, plan);
  dependencies.notifyOutbox();
  if (nextExpiryAt) await dependencies.ringAt(nextExpiryAt);
}

async function setAside(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  item: InboxOperation,
  reason: string,
): Promise<void> {
  const { database, timezone } = dependencies;
  const context = uploadContext(dependencies, batch);
  const plan = await inTransaction(database, async (session) => {
    const now = await readServerTime(database, session);
    const ledger = await loadLedger(database, session, batch, [item.id]);
    const plan = rejectFailed(item, ledger.values().next().value);
    await applyDecisions(database, session, position(batch), plan, context, { now, timezone });
    const letter = await addDeadLetter(
      database,
      {
        _id: `${batch._id}/${item.id}`,
        source: 'sync_operation',
        queue: 'sync',
        reason,
        attempts: batch.attempts,
        created_at: now,
        reference: {
          batch_id: batch._id,
          device_id: batch.device_id,
          queue_epoch: batch.queue_epoch,
          id: item.id,
        },
      },
      session,
    );
    await appendEvents(database, session, [letter], now);
    return plan;
  });
  noteProgress(batch, plan);
  dependencies.notifyOutbox();
}

const position = (batch: ClaimedBatch): ChunkPosition => ({
  batchId: batch._id,
  from: batch.next_item,
  total: batch.items.length,
});

const uploadContext = (dependencies: SyncDependencies, batch: ClaimedBatch): UploadContext => ({
  device_id: batch.device_id,
  queue_epoch: batch.queue_epoch,
  uploader: person(batch.user_id, batch.role),
  sentAt: batch.sent_at,
  receivedAt: batch.received_at,
  maxAgeDays: dependencies.maxCountAgeDays,
  newId: randomUUID,
});

function noteProgress(batch: ClaimedBatch, plan: ChunkPlan): void {
  batch.results.push(...plan.results);
  batch.next_item += plan.results.length;
  batch.attempts = 0;
  batch.suspect_starts = 0;
}

function countVerdicts(results: readonly OperationResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of results) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}
