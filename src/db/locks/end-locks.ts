import type { ClientSession } from 'mongodb';
import type { ItemLock, LockEnd } from '../../contract/schemas/item-lock.ts';
import type { RealTimeEvent } from '../../contract/wire-types.ts';
import { type Actor, SYSTEM_ACTOR } from '../../domain/events/actor.ts';
import { lockEvent } from '../../domain/events/item-events.ts';
import type { Database } from '../database.ts';
import { readServerTime } from '../server-time.ts';
import { historyRow } from './history-row.ts';

export interface LockEnding {
  lock: ItemLock;
  end: LockEnd;
  /** The user id for the history; `system` when the engine ends it. */
  by: string;
  actor: Actor;
}

/** A lock that ran out by itself. */
export const expiry = (lock: ItemLock): LockEnding => ({
  lock,
  end: 'expired',
  by: SYSTEM_ACTOR.user_id,
  actor: SYSTEM_ACTOR,
});

/**
 * Ends locks in the caller's transaction: their rows go, filtered by the lock's id so that a newer lock of
 * the item stays, and each gets its one closing entry in the history. A lock that has one already is left
 * as it is and gives no event (invariant L6).
 *
 * `at` is the server time to record, read when absent. Returns the events to append, in the order given.
 * Four round trips whatever the number of locks.
 */
export async function endLocks(
  database: Database,
  session: ClientSession,
  endings: readonly LockEnding[],
  at?: Date,
): Promise<RealTimeEvent[]> {
  if (endings.length === 0) return [];
  const open = await withoutEnded(database, session, endings);
  const now = at ?? (await readServerTime(database, session));
  // Also the row of a lock that has ended, which somebody put back: it would be due for ever. An id is of one
  // take only, so that a newer lock stays; the item codes are there for the indexes.
  const { items, ids } = namesOf(endings);
  await database.locks.deleteMany({ item_code: { $in: items }, lock_id: { $in: ids } }, { session });
  if (open.length === 0) return [];
  // Also what two enders meet on when the TTL index took the row: one of them conflicts and reruns.
  await database.lockHistory.updateMany(
    { item_code: { $in: items }, lock_id: { $in: ids }, open: true },
    { $unset: { open: '' } },
    { session },
  );
  await database.lockHistory.insertMany(
    open.map(({ lock, end, by }) => historyRow(lock, end, by, now)),
    { session },
  );
  return open.map(({ lock, end, actor }) => lockEvent(lock, end, actor, now));
}

const namesOf = (endings: readonly LockEnding[]): { items: string[]; ids: string[] } => ({
  items: [...new Set(endings.map(({ lock }) => lock.item_code))],
  ids: [...new Set(endings.map(({ lock }) => lock.lock_id))],
});

/** Those whose end is not in the history yet, each once; read first, because a duplicate key aborts all. */
async function withoutEnded(
  database: Database,
  session: ClientSession,
  endings: readonly LockEnding[],
): Promise<LockEnding[]> {
  const byId = new Map<string, LockEnding>();
  for (const ending of endings) {
    if (!byId.has(ending.lock.lock_id)) byId.set(ending.lock.lock_id, ending);
  }
  const ended = await database.lockHistory
    .find(
      { lock_id: { $in: [...byId.keys()] }, ended: true },
      { projection: { _id: 0, lock_id: 1 }, session },
    )
    .toArray();
  for (const { lock_id } of ended) byId.delete(lock_id);
  return [...byId.values()];
}
