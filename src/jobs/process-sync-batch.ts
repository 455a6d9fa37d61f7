import { randomUUID } from 'node:crypto';
import type { OperationResult } from '../contract/wire-types.ts';
import type { Database } from '../db/database.ts';
import { addDeadLetter } from '../db/dead-letters.ts';
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
  returnAttempt,
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
}

/** A drain ends after this long or this many batches and goes to the back, so that devices take turns. */
const MAX_DRAIN_MS = 2_000;
const MAX_BATCHES = 5;

/** An operation that ended this many processes is set aside (invariants S3, E3). */
const MAX_DEATHS = 3;

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
  try {
    // A start that left its mark and no progress has died with the whole batch: find out on which operation.
    if (batch.attempts > 1 && !isAlone(batch)) await startAlone(dependencies.database, batch);
    while (batch.next_item < batch.items.length) {
      if (isAlone(batch)) await applyOne(dependencies, batch);
      else await applyRest(dependencies, batch);
    }
  } catch (error) {
    if (error instanceof BatchMovedOn) return false;
    // This process lives and the database failed: the operation is not to blame for this start.
    if (isTransient(error)) await returnAttempt(dependencies.database, batch._id).catch(() => {});
    throw error;
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
  if (batch.attempts === 0) await countStart(dependencies.database, batch);
  // The first death was that of the start with the whole batch, if there was more in it.
  const deathsAlone = batch.items.length > 1 ? MAX_DEATHS - 1 : MAX_DEATHS;
  if (batch.attempts > deathsAlone) {
    await setAside(dependencies, batch, item, 'It ended its process three times.');
    return;
  }
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
}

function countVerdicts(results: readonly OperationResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of results) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}
