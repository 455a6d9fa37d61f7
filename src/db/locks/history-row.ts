import type { ItemLock, LockHistoryEntry } from '../../contract/schemas/item-lock.ts';

/**
 * A history entry as it is stored. Of one lock at most one entry is `open`, its latest `created` or
 * `renewed`, and only until the lock ends: what is still open and past its time is a lock whose end nobody
 * recorded yet, even when the TTL index took its row. `ended` stands on the closing entry (unique per lock).
 */
export type LockHistoryRow = LockHistoryEntry & { locked_at: Date; open?: true; ended?: true };

/** One step of a lock's life, by `by` at `at`. */
export function historyRow(
  lock: ItemLock,
  event: LockHistoryEntry['event'],
  by: string,
  at: Date,
): LockHistoryRow {
  const { lock_id, item_code, session_id, fence, locked_by, reason, locked_at, expires_at } = lock;
  const lives = event === 'created' || event === 'renewed';
  return {
    lock_id,
    item_code,
    session_id,
    fence,
    event,
    at,
    by,
    locked_by,
    reason,
    locked_at,
    expires_at,
    ...(lives ? { open: true } : { ended: true }),
  };
}

/** The lock as it was at an entry. */
export function lockOfRow(row: LockHistoryRow): ItemLock {
  const { lock_id, item_code, session_id, locked_by, locked_at, expires_at, reason, fence } = row;
  return { lock_id, item_code, session_id, locked_by, locked_at, expires_at, reason, fence };
}
