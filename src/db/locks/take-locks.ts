import { randomUUID } from 'node:crypto';
import type { ClientSession, Document } from 'mongodb';
import type { ItemLock, LockReason } from '../../contract/schemas/item-lock.ts';
import type { RealTimeEvent } from '../../contract/wire-types.ts';
import type { Actor } from '../../domain/events/actor.ts';
import { lockEvent } from '../../domain/events/item-events.ts';
import { lockDurationMs } from '../../domain/locks/lock-rules.ts';
import type { Database } from '../database.ts';
import { IS_ACTIVE } from './active-lock.ts';
import { adoptLocks, type LockRow } from './adopt-locks.ts';
import { endLocks, expiry } from './end-locks.ts';
import { historyRow, lockOfRow } from './history-row.ts';
import { nextFences } from './next-fences.ts';

export interface LockRequest {
  item_code: string;
  session_id: string;
  locked_by: string;
  reason: LockReason;
  /** 1..900. */
  ttl_seconds: number;
  /** Who the event and the history name. */
  actor: Actor;
}

export type LockOutcome =
  | { taken: true; lock: ItemLock; events: RealTimeEvent[] }
  | { taken: false; holder: ItemLock };

/**
 * Takes item locks in the caller's transaction, one outcome per request in their order. At most one active
 * lock per item (L1); an expired one is free at once and its end is recorded first (L3, L6); the fence grows
 * with every take (L4). Of two requests for one item the first is tried, the second loses to it.
 *
 * Concurrent takers write the same rows, so all but one conflict and are rerun by `inTransaction` on a
 * snapshot that shows the winner. Append the events of the outcomes once per transaction; after the commit
 * ring `end-due-locks` for the earliest `expires_at`. Six round trips whatever the number of requests.
 * Throws LockDurationError for a `ttl_seconds` outside 1..900.
 */
export async function takeLocks(
  database: Database,
  session: ClientSession,
  requests: readonly LockRequest[],
): Promise<LockOutcome[]> {
  const tried = new Map<string, LockRequest>();
  for (const request of requests) {
    if (!tried.has(request.item_code)) tried.set(request.item_code, request);
  }
  if (tried.size === 0) return [];
  const { active, expired } = await readStanding(database, session, [...tried.keys()]);
  const takers = [...tried.values()].filter(({ item_code }) => !active.has(item_code));
  const outcomes = new Map<string, LockOutcome>();
  for (const [item_code, holder] of active) outcomes.set(item_code, { taken: false, holder });
  if (takers.length > 0) {
    const endEvents = await endPredecessors(database, session, takers, expired);
    for (const outcome of await takeFree(database, session, takers)) {
      if (outcome.taken) outcome.events.unshift(...(endEvents.get(outcome.lock.item_code) ?? []));
      outcomes.set(outcome.taken ? outcome.lock.item_code : outcome.holder.item_code, outcome);
    }
  }
  return requests.map((request) => {
    const outcome = outcomes.get(request.item_code)!;
    if (tried.get(request.item_code) === request || !outcome.taken) return outcome;
    return { taken: false, holder: outcome.lock };
  });
}

/** The locks of these items, told apart by MongoDB's clock. A row whose end is no date is no lock. */
async function readStanding(database: Database, session: ClientSession, itemCodes: string[]) {
  const rows = await database.locks
    .aggregate<{ lock: LockRow; active: boolean }>(
      [
        { $match: { item_code: { $in: itemCodes }, expires_at: { $type: 'date' } } },
        { $project: { _id: 0, lock: '$$ROOT', active: IS_ACTIVE } },
      ],
      { session },
    )
    .toArray();
  const locks = await adoptLocks(
    database,
    session,
    rows.map((row) => row.lock),
  );
  return {
    active: new Map(locks.filter((_, n) => rows[n]!.active).map((lock) => [lock.item_code, lock])),
    expired: locks.filter((_, n) => !rows[n]!.active),
  };
}

/**
 * Records the end of the locks that these takers follow: the expired rows, and those of which only the open
 * history entry is left because the TTL index took the row. Events by item code.
 */
async function endPredecessors(
  database: Database,
  session: ClientSession,
  takers: readonly LockRequest[],
  expired: readonly ItemLock[],
): Promise<Map<string, RealTimeEvent[]>> {
  const open = await database.lockHistory
    .find({ item_code: { $in: takers.map(({ item_code }) => item_code) }, open: true }, { session })
    .toArray();
  const predecessors = [...expired, ...open.map(lockOfRow)];
  const events = await endLocks(database, session, predecessors.map(expiry));
  return Map.groupBy(events, (event) => event.payload.entity_id);
}

/** Fences, upserts, and history for items that were seen free. */
async function takeFree(
  database: Database,
  session: ClientSession,
  takers: readonly LockRequest[],
): Promise<LockOutcome[]> {
  const fences = await nextFences(
    database,
    session,
    takers.map(({ item_code }) => item_code),
  );
  const attempts = takers.map((request) => ({
    request,
    lockId: randomUUID(),
    fence: fences.get(request.item_code)!,
  }));
  await database.locks.bulkWrite(
    attempts.map(({ request, lockId, fence }) => ({
      updateOne: {
        filter: { item_code: request.item_code },
        update: takeUnlessActive(request, lockId, fence),
        upsert: true,
      },
    })),
    { session, ordered: false },
  );
  const rows = await database.locks
    .find({ item_code: { $in: [...fences.keys()] } }, { projection: { _id: 0 }, session })
    .toArray();
  const standing = new Map(rows.map((lock) => [lock.item_code, lock]));
  const outcomes = attempts.map(({ request, lockId }): LockOutcome => {
    const lock = standing.get(request.item_code)!;
    if (lock.lock_id !== lockId) return { taken: false, holder: lock };
    return { taken: true, lock, events: [lockEvent(lock, 'locked', request.actor, lock.locked_at)] };
  });
  const created = outcomes.flatMap((outcome, index) =>
    outcome.taken
      ? [historyRow(outcome.lock, 'created', takers[index]!.actor.user_id, outcome.lock.locked_at)]
      : [],
  );
  if (created.length > 0) await database.lockHistory.insertMany(created, { session });
  return outcomes;
}

/**
 * Keeps a lock that is active by `$$NOW` as it is and replaces any other. The decision stands in the
 * pipeline because MongoDB refuses `$expr` in the filter of an upsert.
 */
function takeUnlessActive(request: LockRequest, lockId: string, fence: number): Document[] {
  const lock = {
    lock_id: { $literal: lockId },
    // Literals: an item code that starts with `$` would else be read as a field.
    item_code: { $literal: request.item_code },
    session_id: { $literal: request.session_id },
    locked_by: { $literal: request.locked_by },
    reason: { $literal: request.reason },
    fence: { $literal: fence },
    locked_at: '$$NOW',
    expires_at: { $add: ['$$NOW', lockDurationMs(request.ttl_seconds)] },
  };
  return [{ $replaceWith: { $cond: [IS_ACTIVE, '$$ROOT', { $mergeObjects: ['$$ROOT', lock] }] } }];
}
