import type { Database } from '../database.ts';
import { countUnapplied } from './sync-batches.ts';

/** How many batches wait for a worker, known to a process without counting for every upload. */
export interface Backlog {
  /** Up to the limit that it was made with. Rejects with the driver's error when it was never counted. */
  size(): Promise<number>;
}

/** A count younger than this is taken as it is. */
const FRESH_MS = 1_000;
/** One younger than this is still taken while the next is under way; nobody counted for longer: wait for it. */
const USABLE_MS = 5_000;

/**
 * Counting 100,000 waiting batches costs tens of milliseconds, so a process counts once a second and no upload
 * waits for it while uploads are steady. A limit on it is therefore passed by what all processes accept since
 * the last count, at most 5 s ago, and during the next one (E4).
 */
export function createBacklog(database: Database, limit: number): Backlog {
  let known: { size: number; at: number } | undefined;
  let counting: Promise<number> | undefined;
  const count = async (): Promise<number> => {
    const size = await countUnapplied(database, limit);
    known = { size, at: performance.now() };
    return size;
  };
  const recount = (): Promise<number> => {
    counting ??= count().finally(() => {
      counting = undefined;
    });
    return counting;
  };
  return {
    size: async () => {
      const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at;
      if (known === undefined || age > USABLE_MS) return recount();
      // The next upload asks again when this one fails.
      if (age > FRESH_MS) recount().catch(() => {});
      return known.size;
    },
  };
}
