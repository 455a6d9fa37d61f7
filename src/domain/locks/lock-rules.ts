import { type ItemLock, MAX_LOCK_SECONDS } from '../../contract/schemas/item-lock.ts';

/** The longest a lock may live: 15 minutes (seed, "Validation Rules"; invariant L2). */
export const MAX_LOCK_MS = MAX_LOCK_SECONDS * 1000;

/** Asked for a lock that lives longer than a lock may, or not at all. */
export class LockDurationError extends RangeError {
  override name = 'LockDurationError';
}

/** The wanted life in milliseconds. Throws LockDurationError outside 1..900 s (seed, "Validation Rules"). */
export function lockDurationMs(ttlSeconds: number): number {
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_LOCK_SECONDS) {
    throw new LockDurationError(`a lock lives 1..${MAX_LOCK_SECONDS} whole seconds, not ${ttlSeconds}`);
  }
  return ttlSeconds * 1000;
}

/** Who wants to do something with a lock, and the fence they believe to be the current one. */
export interface LockClaim {
  user_id: string;
  fence: number;
}

/**
 * Whether a person may renew or release this lock: theirs, and of the current fence (invariant L5).
 * An `offline_sync` lock has no holder: it ends by claim, resolution, expiry or force alone, whoever
 * uploaded the count that opened it (rules, "Conflicts").
 */
export const isHolder = (lock: ItemLock, claim: LockClaim): boolean =>
  lock.reason !== 'offline_sync' && lock.locked_by === claim.user_id && lock.fence === claim.fence;

/**
 * Whether the lock keeps this person from claiming and resolving: somebody else holds it. Staff hold
 * nothing, so the lock that came with an upload keeps nobody (rules, "Conflicts").
 */
export const isHeldByAnother = (lock: Pick<ItemLock, 'reason' | 'locked_by'>, userId: string): boolean =>
  lock.reason !== 'offline_sync' && lock.locked_by !== userId;

/** Whether this person counts under the lock as under their own (rules, "Counts", 1). */
export const isManualHolder = (lock: Pick<ItemLock, 'reason' | 'locked_by'>, userId: string): boolean =>
  lock.reason === 'manual' && lock.locked_by === userId;
