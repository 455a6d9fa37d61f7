import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { RealTimeEvent } from '../../contract/wire-types.ts';
import type { Actor } from '../../domain/events/actor.ts';
import { isHolder, type LockClaim } from '../../domain/locks/lock-rules.ts';
import type { Database } from '../database.ts';
import { endLocks } from './end-locks.ts';
import { loadActiveLocks } from './load-active-locks.ts';

/** A lock after a change, and the events that tell of it. */
export interface ChangedLock {
  lock: ItemLock;
  events: RealTimeEvent[];
}

/**
 * Ends the caller's own lock as `released`, in the caller's transaction. Undefined when it is not active,
 * not the caller's or not of this fence (L5): a late release never frees somebody else's lock.
 */
export async function releaseLock(
  database: Database,
  session: ClientSession,
  release: LockClaim & { item_code: string; actor: Actor },
): Promise<ChangedLock | undefined> {
  const lock = (await loadActiveLocks(database, session, [release.item_code])).get(release.item_code);
  if (!lock || !isHolder(lock, release)) return undefined;
  const events = await endLocks(database, session, [
    { lock, end: 'released', by: release.user_id, actor: release.actor },
  ]);
  return { lock, events };
}

/**
 * Ends whatever lock is active on the item as `forced`; the caller has checked that `actor` is an admin.
 * With a `fence` only the lock of that fence. Undefined when there is none.
 */
export async function forceRelease(
  database: Database,
  session: ClientSession,
  force: { item_code: string; fence?: number | undefined; actor: Actor },
): Promise<ChangedLock | undefined> {
  const lock = (await loadActiveLocks(database, session, [force.item_code])).get(force.item_code);
  if (!lock || (force.fence !== undefined && lock.fence !== force.fence)) return undefined;
  const events = await endLocks(database, session, [
    { lock, end: 'forced', by: force.actor.user_id, actor: force.actor },
  ]);
  return { lock, events };
}
