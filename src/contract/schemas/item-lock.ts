import { z } from 'zod';

export const MAX_LOCK_SECONDS = 900;

export const lockReason = z.enum(['offline_sync', 'conflict_resolution', 'manual']);
export type LockReason = z.infer<typeof lockReason>;

/** An item's lock (seed "ItemLock" with its validation rules, contract 5). */
export const itemLock = z
  .object({
    lock_id: z.uuid(),
    item_code: z.string(),
    session_id: z.string(),
    locked_by: z.string(),
    locked_at: z.date(),
    expires_at: z.date(),
    reason: lockReason,
    fence: z.int().min(1),
  })
  .refine((lock) => lock.expires_at > lock.locked_at, 'expires_at must be after locked_at')
  .refine(
    (lock) => lock.expires_at.getTime() - lock.locked_at.getTime() <= MAX_LOCK_SECONDS * 1000,
    'a lock lives at most 15 minutes',
  );

export type ItemLock = z.infer<typeof itemLock>;

export const lockEnd = z.enum(['released', 'expired', 'resolved', 'forced']);
export type LockEnd = z.infer<typeof lockEnd>;

/** One step of a lock's life; the history outlives the lock (invariant L7). */
export const lockHistoryEntry = z.object({
  lock_id: z.uuid(),
  item_code: z.string(),
  session_id: z.string(),
  fence: z.int(),
  event: z.enum(['created', 'renewed', ...lockEnd.options]),
  at: z.date(),
  by: z.string(),
  locked_by: z.string(),
  reason: lockReason,
  expires_at: z.date(),
});

export type LockHistoryEntry = z.infer<typeof lockHistoryEntry>;
