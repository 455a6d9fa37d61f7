import { Binary, type ClientSession } from 'mongodb';
import { MAX_LOCK_SECONDS } from '../../contract/schemas/item-lock.ts';
import type { RealTimeEvent } from '../../contract/wire-types.ts';
import { countCompleteEvent } from '../../domain/events/session-events.ts';
import type { ChunkPlan, UploadContext } from '../../domain/sync/chunk.ts';
import { deviceSessionKey } from '../../domain/sync/identity.ts';
import { dirtyDays } from '../../domain/variance/dirty-days.ts';
import { touchPeers } from '../conflicts/touch-peers.ts';
import type { Database } from '../database.ts';
import { markDirty } from '../dirty-periods.ts';
import { takeLocks } from '../locks/take-locks.ts';
import { appendEvents } from '../outbox.ts';
import { summarizeSession } from '../variance/summarize-session.ts';
import { holdItemLines, writeLines } from './lines.ts';
import { advanceBatch } from './sync-batches.ts';
import { recordVerdicts } from './sync-operations.ts';

export interface ChunkPosition {
  batchId: string;
  /** Index of the chunk's first item in its batch. */
  from: number;
  /** Items in the batch. */
  total: number;
}

/** What the caller has to do once the transaction is committed. */
export interface Applied {
  /** Whether the batch is through. */
  done: boolean;
  /** The earliest expiry of the locks that were taken. */
  nextExpiryAt: Date | undefined;
}

/**
 * Writes a decided chunk in the caller's transaction: verdicts and cursor, ledger, lines, sessions,
 * conflicts, locks, events and dirty marks, all or nothing. A fixed number of commands whatever the number
 * of operations. Throws BatchMovedOn when another drainer was first.
 */
export async function applyDecisions(
  database: Database,
  session: ClientSession,
  position: ChunkPosition,
  plan: ChunkPlan,
  context: UploadContext,
  settings: { now: Date; timezone: string },
): Promise<Applied> {
  const { now, timezone } = settings;
  // First, so that a drainer that lost writes nothing.
  await advanceBatch(database, session, { ...position, results: plan.results, at: now });
  await recordVerdicts(database, session, context, plan.ledger, now);
  await holdItemLines(
    database,
    session,
    plan.touchedItems.flatMap(({ before }) => before),
    plan.lines.map(({ after }) => after),
  );
  await writeLines(database, session, plan.lines);
  await writeSessions(database, session, plan);
  const locks = await takeConflictLocks(database, session, plan, context);
  await writeConflicts(database, session, plan, locks.fences);
  await recordVisits(database, session, plan, context, now);
  const completions = await completionEvents(database, session, plan, context, now);
  await appendEvents(database, session, [...plan.events, ...locks.events, ...completions], now);
  const days = plan.touchedItems.flatMap(({ before, after }) => dirtyDays(before, after, timezone));
  await markDirty(database, session, days, timezone);
  return {
    done: position.from + plan.results.length >= position.total,
    nextExpiryAt: locks.nextExpiryAt,
  };
}

async function writeSessions(database: Database, session: ClientSession, plan: ChunkPlan): Promise<void> {
  const writes = [
    ...plan.createdSessions.map((document) => ({ insertOne: { document } })),
    ...plan.changedSessions.map(({ session_id, status, closed_at, notes, sync_status, conflict_items }) => ({
      updateOne: {
        filter: { session_id },
        update: { $set: { status, closed_at, notes, sync_status, conflict_items } },
      },
    })),
  ];
  if (writes.length > 0) await database.sessions.bulkWrite(writes, { session });
}

async function takeConflictLocks(
  database: Database,
  session: ClientSession,
  plan: ChunkPlan,
  context: UploadContext,
): Promise<{ fences: Map<string, number>; events: RealTimeEvent[]; nextExpiryAt: Date | undefined }> {
  const fences = new Map<string, number>();
  const events: RealTimeEvent[] = [];
  let nextExpiryAt: Date | undefined;
  if (plan.locks.length === 0) return { fences, events, nextExpiryAt };
  const outcomes = await takeLocks(
    database,
    session,
    plan.locks.map(({ item_code, session_id }) => ({
      item_code,
      session_id,
      locked_by: context.uploader.user_id,
      reason: 'offline_sync' as const,
      ttl_seconds: MAX_LOCK_SECONDS,
      actor: context.uploader,
    })),
  );
  for (const [index, outcome] of outcomes.entries()) {
    if (!outcome.taken) continue;
    fences.set(plan.locks[index]!.conflict_id, outcome.lock.fence);
    events.push(...outcome.events);
    if (!nextExpiryAt || outcome.lock.expires_at < nextExpiryAt) nextExpiryAt = outcome.lock.expires_at;
  }
  return { fences, events, nextExpiryAt };
}

async function writeConflicts(
  database: Database,
  session: ClientSession,
  plan: ChunkPlan,
  fences: ReadonlyMap<string, number>,
): Promise<void> {
  const writes = [
    ...plan.openedConflicts.map((conflict) => {
      const fence = fences.get(conflict.conflict_id);
      const [opened, ...joined] = conflict.trail;
      const trail = [fence === undefined ? opened! : { ...opened!, fence }, ...joined];
      return { insertOne: { document: { ...conflict, trail } } };
    }),
    ...plan.changedConflicts.map(({ conflict_id, base_version, local_value, local_details, trail }) => ({
      updateOne: {
        filter: { conflict_id, status: 'pending' as const },
        update: { $set: { base_version, local_value, local_details, trail } },
      },
    })),
  ];
  await touchPeers(database, session, plan.openedConflicts);
  if (writes.length > 0) await database.conflicts.bulkWrite(writes, { session });
}

async function recordVisits(
  database: Database,
  session: ClientSession,
  plan: ChunkPlan,
  context: UploadContext,
  at: Date,
): Promise<void> {
  if (plan.newlyVisitedSessions.length === 0) return;
  await database.deviceSessions.insertMany(
    plan.newlyVisitedSessions.map((sessionId) => ({
      _id: new Binary(deviceSessionKey(context.device_id, sessionId)),
      at,
    })),
    { session },
  );
}

async function completionEvents(
  database: Database,
  session: ClientSession,
  plan: ChunkPlan,
  context: UploadContext,
  at: Date,
): Promise<RealTimeEvent[]> {
  const events: RealTimeEvent[] = [];
  // A batch completes one session as a rule; each needs its own grouping of its lines.
  for (const { session_id, completed_at } of plan.completions) {
    const figures = await summarizeSession(database, session_id, session);
    const { total_items, items_with_variance, accuracy_rate } = figures;
    events.push(
      countCompleteEvent(
        {
          session_id,
          total_items,
          items_with_variance,
          accuracy_rate,
          completed_by: context.uploader.user_id,
          completed_at: completed_at.toISOString(),
        },
        context.uploader,
        at,
      ),
    );
  }
  return events;
}
