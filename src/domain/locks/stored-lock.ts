import { type ItemLock, itemLock, lockReason } from '../../contract/schemas/item-lock.ts';
import { MAX_LOCK_MS } from './lock-rules.ts';

/** A row of `item_locks` as any program may have written it; its end is a date. */
export type StoredLock = Readonly<{ item_code: string; expires_at: Date } & Record<string, unknown>>;

/** The row as a lock; undefined when another program wrote it with fields missing, odd or too far apart. */
export const readLock = (row: StoredLock): ItemLock | undefined => itemLock.safeParse(row).data;

/**
 * What a row of another program counts as: not begun after `now`, ended 15 minutes after its beginning at the
 * latest (invariant L2), with what is missing filled in. A lock of no known reason is a `manual` one, so that
 * its holder's claim on the item is respected.
 */
export function asLock(row: StoredLock, by: { now: Date; lock_id: string; fence: number }): ItemLock {
  const wantedEnd = timeOf(row.expires_at) ?? Number.POSITIVE_INFINITY;
  const now = by.now.getTime();
  const lockedAt = Math.min(timeOf(row['locked_at']) ?? now, now, wantedEnd - 1);
  return {
    lock_id: by.lock_id,
    item_code: row.item_code,
    session_id: textOf(row['session_id']),
    locked_by: textOf(row['locked_by']),
    locked_at: new Date(lockedAt),
    expires_at: new Date(Math.min(wantedEnd, lockedAt + MAX_LOCK_MS)),
    reason: lockReason.safeParse(row['reason']).data ?? 'manual',
    fence: by.fence,
  };
}

/** Milliseconds; undefined when it is no date, or one beyond what JavaScript can hold. */
const timeOf = (value: unknown): number | undefined =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? value.getTime() : undefined;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
