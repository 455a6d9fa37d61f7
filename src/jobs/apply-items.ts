import { randomUUID } from 'node:crypto';
import { addDeadLetter, type DeadLetter } from '../db/dead-letters.ts';
import { holdCountedUnderLock } from '../db/locks/hold-fences.ts';
import { appendEvents } from '../db/outbox.ts';
import { readServerTime } from '../db/server-time.ts';
import { applyDecisions, type ChunkPosition } from '../db/sync/apply-decisions.ts';
import { loadSnapshot } from '../db/sync/load-snapshot.ts';
import type { ClaimedBatch } from '../db/sync/sync-batches.ts';
import { loadLedger } from '../db/sync/sync-operations.ts';
import { inTransaction } from '../db/transaction.ts';
import { person } from '../domain/events/actor.ts';
import type { ChunkPlan, InboxOperation, LedgerEntry, UploadContext } from '../domain/sync/chunk.ts';
import { decideChunk } from '../domain/sync/decide-chunk.ts';
import { postponed, rejectFailed } from '../domain/sync/settle-without-applying.ts';
import type { SyncDependencies } from './sync-dependencies.ts';

/** Load, decide, apply: in one transaction, which the driver may run again from its start. */
export async function applyItems(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  items: readonly InboxOperation[],
): Promise<void> {
  const { database, timezone, decide = decideChunk } = dependencies;
  const context = uploadContext(dependencies, batch);
  const earlier = { items: batch.items.slice(0, batch.next_item), results: batch.results };
  const { plan, nextExpiryAt } = await inTransaction(
    database,
    async (session) => {
      const snapshot = await loadSnapshot(database, session, batch, items);
      const plan = decide(items, snapshot, context, earlier);
      const { locks } = snapshot;
      await holdCountedUnderLock(database, session, { ...plan, locks, userId: batch.user_id });
      const applied = await applyDecisions(database, session, position(batch), plan, context, {
        now: snapshot.now,
        timezone,
      });
      return { plan, ...applied };
    },
    dependencies.rerun,
  );
  noteProgress(batch, plan);
  dependencies.notifyOutbox();
  if (nextExpiryAt) await dependencies.ringAt(nextExpiryAt);
}

/** Records that the operation failed for good, with a dead letter: it alone is lost (invariant S3). */
export async function setAside(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  item: InboxOperation,
  reason: string,
): Promise<void> {
  await settle(dependencies, batch, item, {
    plan: rejectFailed,
    letter: (now) => ({
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
    }),
  });
}

/** Answers `retry` for an operation that others keep back: nothing is recorded, the device sends it again. */
export async function postpone(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  item: InboxOperation,
): Promise<void> {
  await settle(dependencies, batch, item, { plan: postponed });
}

/** Moves on past one operation without applying it. One that has its first verdict keeps it. */
async function settle(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  item: InboxOperation,
  how: {
    plan: (item: InboxOperation, recorded: LedgerEntry | undefined) => ChunkPlan;
    letter?: (now: Date) => DeadLetter;
  },
): Promise<void> {
  const { database, timezone } = dependencies;
  const context = uploadContext(dependencies, batch);
  const plan = await inTransaction(
    database,
    async (session) => {
      const now = await readServerTime(database, session);
      const ledger = await loadLedger(database, session, batch, [item.id]);
      const plan = how.plan(item, ledger.values().next().value);
      await applyDecisions(database, session, position(batch), plan, context, { now, timezone });
      if (how.letter) {
        const alerts = await addDeadLetter(database, how.letter(now), session);
        await appendEvents(database, session, alerts, now);
      }
      return plan;
    },
    dependencies.rerun,
  );
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
  sentAgain: batch.redrive_of !== undefined,
  newId: randomUUID,
});

function noteProgress(batch: ClaimedBatch, plan: ChunkPlan): void {
  batch.results.push(...plan.results);
  batch.next_item += plan.results.length;
  batch.attempts = 0;
  batch.suspect_starts = 0;
  if (plan.results.some(({ verdict }) => verdict !== 'retry')) batch.contended_starts = 0;
}
