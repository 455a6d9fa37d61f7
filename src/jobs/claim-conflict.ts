import type { ItemLock } from '../contract/schemas/item-lock.ts';
import { MAX_LOCK_SECONDS } from '../contract/schemas/item-lock.ts';
import type { TrailEntry } from '../contract/schemas/sync-conflict.ts';
import { findConflict } from '../db/conflicts/read-conflicts.ts';
import { writeTrail } from '../db/conflicts/write-resolution.ts';
import type { Database } from '../db/database.ts';
import { endLocks } from '../db/locks/end-locks.ts';
import { loadActiveLocks } from '../db/locks/load-active-locks.ts';
import { takeLocks } from '../db/locks/take-locks.ts';
import { appendEvents } from '../db/outbox.ts';
import { readServerTime } from '../db/server-time.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Actor } from '../domain/events/actor.ts';
import { isHeldByAnother } from '../domain/locks/lock-rules.ts';
import { extendTrail } from '../domain/sync/trail.ts';

export interface ClaimDependencies {
  database: Database;
  notifyOutbox: () => void;
  ringAt: (at: Date) => Promise<void>;
}

export type ClaimOutcome =
  | { kind: 'not_found' }
  | { kind: 'already_resolved' }
  | { kind: 'item_locked'; lock: ItemLock }
  | { kind: 'claimed'; lock: ItemLock };

/**
 * Gives a supervisor the item of a pending conflict for 15 minutes (rules, "Conflicts", Claim): always a
 * new lock; the one that came with the conflict, or one's own, ends as `released`.
 */
export async function claimConflict(
  dependencies: ClaimDependencies,
  conflictId: string,
  actor: Actor,
): Promise<ClaimOutcome> {
  const { database } = dependencies;
  const outcome = await inTransaction(database, async (session): Promise<ClaimOutcome> => {
    const conflict = await findConflict(database, conflictId, session);
    if (!conflict) return { kind: 'not_found' };
    if (conflict.status === 'resolved') return { kind: 'already_resolved' };
    const { item_code, session_id } = conflict;
    const current = (await loadActiveLocks(database, session, [item_code])).get(item_code);
    if (current && isHeldByAnother(current, actor.user_id)) return { kind: 'item_locked', lock: current };
    const now = await readServerTime(database, session);
    const released = current
      ? await endLocks(database, session, [{ lock: current, end: 'released', by: actor.user_id, actor }], now)
      : [];
    const [taken] = await takeLocks(database, session, [
      {
        item_code,
        session_id,
        locked_by: actor.user_id,
        reason: 'conflict_resolution',
        ttl_seconds: MAX_LOCK_SECONDS,
        actor,
      },
    ]);
    if (!taken?.taken) return { kind: 'item_locked', lock: taken!.holder };
    const step: TrailEntry = {
      at: now,
      by: actor.user_id,
      step: 'claimed',
      fence: taken.lock.fence,
      local_value: null,
      server_value: null,
    };
    await writeTrail(database, session, conflictId, extendTrail(conflict.trail, step));
    await appendEvents(database, session, [...released, ...taken.events], now);
    return { kind: 'claimed', lock: taken.lock };
  });
  if (outcome.kind === 'claimed') {
    dependencies.notifyOutbox();
    await dependencies.ringAt(outcome.lock.expires_at);
  }
  return outcome;
}
