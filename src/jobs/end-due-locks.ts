import type { Database } from '../db/database.ts';
import { dueItems, endDueItem } from '../db/locks/due-item.ts';
import { endDuePage, nextLockExpiry } from '../db/locks/due-locks.ts';
import type { Careful } from './guard-sweeps.ts';

/** Ten thousand locks that end at one instant take twenty transactions. */
const PAGE = 500;
/** Item by item: a run that is over before another may begin (db/dead-letters/caution.ts). */
const CAREFUL_PAGE = 100;

/** A timer may fire a millisecond early. */
const SOONEST_RING_MS = 10;
/** Still due after the last page: somebody else is ending it, or it ran out just now. */
const STILL_DUE_RING_MS = 200;

export interface EndDueLocksDependencies {
  database: Database;
  /** Wakes the outbox publisher. */
  notifyOutbox: () => void;
  /**
   * Asks for this job again at a time of this process's clock. Must not be swallowed by a ring that is
   * already waiting for a later time.
   */
  ringAt: (at: Date) => Promise<void>;
}

export interface EndDueLocksResult {
  ended: number;
  nextExpiryAt: Date | undefined;
}

/**
 * Records the end of every lock whose time has passed by MongoDB's clock, and asks to be rung at the next
 * expiry. Who takes or renews a lock rings this job for its `expires_at`; a sweep rings it every 5 s
 * (queues/lock-sweep.ts) in case Redis lost that. Any number may run at once: each end is recorded once.
 *
 * `careful`, because it ended its process before: item by item, at most 100 a run, without what killed, and rung
 * by the sweep alone, for what is left out would be due for ever.
 */
export async function endDueLocks(
  dependencies: EndDueLocksDependencies,
  careful?: Careful,
): Promise<EndDueLocksResult> {
  const { database, notifyOutbox, ringAt } = dependencies;
  if (careful) return { ended: await endOneByOne(dependencies, careful), nextExpiryAt: undefined };
  let ended = 0;
  for (;;) {
    const page = await endDuePage(database, PAGE);
    ended += page;
    if (page > 0) notifyOutbox();
    if (page < PAGE) break;
  }
  const next = await nextLockExpiry(database);
  // The distance is MongoDB's, counted from this process's clock: the two may differ by seconds.
  const delayMs = next && (next.inMs > 0 ? Math.max(next.inMs, SOONEST_RING_MS) : STILL_DUE_RING_MS);
  if (delayMs !== undefined) await ringAt(new Date(Date.now() + delayMs));
  return { ended, nextExpiryAt: next?.expiresAt };
}

async function endOneByOne(
  { database, notifyOutbox }: EndDueLocksDependencies,
  { leftOut, piece }: Careful,
): Promise<number> {
  let ended = 0;
  for (const item of await dueItems(database, { except: leftOut, limit: CAREFUL_PAGE })) {
    ended += await piece(item, () => endDueItem(database, item));
    notifyOutbox();
  }
  return ended;
}
