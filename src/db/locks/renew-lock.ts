import type { ClientSession } from 'mongodb';
import type { Actor } from '../../domain/events/actor.ts';
import { lockEvent } from '../../domain/events/item-events.ts';
import { lockDurationMs, MAX_LOCK_MS } from '../../domain/locks/lock-rules.ts';
import type { Database } from '../database.ts';
import { readServerTime } from '../server-time.ts';
import { IS_ACTIVE } from './active-lock.ts';
import { historyRow } from './history-row.ts';
import type { ChangedLock } from './release-lock.ts';

export interface LockRenewal {
  item_code: string;
  fence: number;
  /** Who renews; must be the holder. */
  user_id: string;
  /** 1..900 from now; the lock's whole life stays within 900 s all the same (L2). */
  ttl_seconds: number;
  actor: Actor;
}

/**
 * Moves the end of an active lock to the earlier of now + `ttl_seconds` and `locked_at` + 900 s, in the
 * caller's transaction; that may also bring the end nearer. Undefined when the lock ran out, ended, is of
 * another fence or not the caller's (L5): the caller answers `lock_lost`. Throws LockDurationError.
 */
export async function renewLock(
  database: Database,
  session: ClientSession,
  renewal: LockRenewal,
): Promise<ChangedLock | undefined> {
  const { item_code, fence, user_id, ttl_seconds, actor } = renewal;
  const wanted = { $add: ['$$NOW', lockDurationMs(ttl_seconds)] };
  const lock = await database.locks.findOneAndUpdate(
    {
      item_code,
      fence,
      locked_by: user_id,
      reason: { $ne: 'offline_sync' },
      locked_at: { $type: 'date' },
      $expr: IS_ACTIVE,
    },
    [{ $set: { expires_at: { $min: [wanted, { $add: ['$locked_at', MAX_LOCK_MS] }] } } }],
    { session, returnDocument: 'after', projection: { _id: 0 } },
  );
  if (!lock) return undefined;
  const now = await readServerTime(database, session);
  await database.lockHistory.updateMany(
    { lock_id: lock.lock_id, open: true },
    { $unset: { open: '' } },
    { session },
  );
  await database.lockHistory.insertOne(historyRow(lock, 'renewed', actor.user_id, now), { session });
  return { lock, events: [lockEvent(lock, 'renewed', actor, now)] };
}
