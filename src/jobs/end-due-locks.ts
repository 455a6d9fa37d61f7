import { setTimeout as sleep } from 'node:timers/promises';
import { isAway } from '../db/away.ts';
import type { Database } from '../db/database.ts';
import { dueItems, endDueItem } from '../db/locks/due-item.ts';
import { endDuePage, nextLockExpiry } from '../db/locks/due-locks.ts';
import type { Careful } from './guard-sweeps.ts';

/** Ten thousand locks that end at one instant take twenty transactions. */
const PAGE = 500;
/** Item by item: a run that is over before another may begin (db/dead-letters/caution.ts). */
const CAREFUL_PAGE = 100;

/** An expiry as near as this is waited for: a ring through the queue takes longer. */
const NEAR_MS = 25;
/** Then the job goes to the back of its queue, and lets a stop wait no longer. */
const MAX_RUN_MS = 2_000;
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
  const until = performance.now() + MAX_RUN_MS;
  let ended = 0;
  for (;;) {
    const page = await endDuePage(database, PAGE);
    ended += page;
    if (page > 0) notifyOutbox();
    if (page === PAGE && performance.now() <= until) continue;
    const next = await nextLockExpiry(database);
    if (!next) return { ended, nextExpiryAt: undefined };
    const isStillDue = next.inMs === 0 && page === 0;
    if (isStillDue || next.inMs > NEAR_MS || performance.now() > until) {
      // The distance is MongoDB's, counted from this process's clock: the two may differ by seconds.
      await ringAt(new Date(Date.now() + (isStillDue ? STILL_DUE_RING_MS : next.inMs)));
      return { ended, nextExpiryAt: next.expiresAt };
    }
    // A millisecond more, because a timer may fire early.
    if (next.inMs > 0) await sleep(next.inMs + 1);
  }
}

async function endOneByOne(
  { database, notifyOutbox }: EndDueLocksDependencies,
  { leftOut, piece }: Careful,
): Promise<number> {
  let ended = 0;
  const failures: unknown[] = [];
  for (const item of await dueItems(database, { except: leftOut, limit: CAREFUL_PAGE })) {
    try {
      ended += await piece(item, () => endDueItem(database, item));
    } catch (error) {
      // An item that cannot be ended keeps none of those behind it waiting.
      if (isAway(error)) throw error;
      failures.push(error);
    }
    notifyOutbox();
  }
  if (failures.length > 0) throw failures[0];
  return ended;
}
