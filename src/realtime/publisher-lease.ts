import { randomUUID } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { LeaseLost, releaseLease, renewLease, type Term, takeLease } from '../db/leases.ts';
import type { Logger } from '../runtime/logger.ts';

export interface HeldTerm {
  term: Term;
  /** True once another process is known to hold the lease, or `stop` was called. */
  readonly over: boolean;
}

/**
 * Runs `work` while this process holds the lease, renewing it every third of `ttlMs`; false when somebody
 * else holds it now. The lease makes one publisher the normal case; what makes two harmless is the fence
 * that each write checks. `work` ends soon after `over` turns true. Released at the end, also on errors.
 */
export async function underLease(
  options: { database: Database; lease: string; ttlMs: number; logger: Logger; stopped: () => boolean },
  work: (held: HeldTerm) => Promise<void>,
): Promise<boolean> {
  const { database, lease, ttlMs, logger, stopped } = options;
  const term = await takeLease(database, { lease, holder: randomUUID(), ttlMs });
  if (!term) return false;
  logger.info({ lease, fence: term.fence }, 'lease taken');
  let lost = false;
  const renew = (): void => {
    renewLease(database, term, ttlMs).then(
      (held) => {
        lost ||= !held;
      },
      // MongoDB is away: nobody can take the lease either, and writes fail by themselves.
      () => {},
    );
  };
  const timer = setInterval(renew, ttlMs / 3);
  try {
    await work({
      term,
      get over() {
        return lost || stopped();
      },
    });
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    lost = true;
  } finally {
    clearInterval(timer);
    if (lost) logger.info({ lease, fence: term.fence }, 'lease lost');
    else await releaseLease(database, term).catch(() => {}); // it ends by itself after ttlMs
  }
  return true;
}
