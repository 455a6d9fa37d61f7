import { MAX_LOCK_MS } from '../../domain/locks/lock-rules.ts';
import { readLock } from '../../domain/locks/stored-lock.ts';
import type { Database } from '../database.ts';
import { readServerTime } from '../server-time.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { inTransaction } from '../transaction.ts';
import { adoptLocks, HAS_ITEM_CODE, lockRows } from './adopt-locks.ts';

/**
 * Adopts at most `limit` locks of other programs in one transaction and returns how many. Three indexes find
 * them among any number of locks of our own: one that ends more than 15 minutes from now, one that began more
 * than 15 minutes ago and has not ended, and one without a fence. What lies between is met at its end.
 */
export const adoptForeignPage = (database: Database, limit: number): Promise<number> =>
  inTransaction(database, async (session) => {
    const now = await readServerTime(database, session);
    const latestEnd = new Date(now.getTime() + MAX_LOCK_MS);
    const earliestBeginning = new Date(now.getTime() - MAX_LOCK_MS);
    const found = await database.locks
      .find(
        {
          ...HAS_ITEM_CODE,
          $or: [
            { expires_at: { $gt: latestEnd } },
            { locked_at: { $lt: earliestBeginning }, expires_at: { $gt: now } },
            { fence: { $eq: null as unknown as number }, expires_at: { $type: 'date' } },
          ],
        },
        { session, maxTimeMS: MAX_TIME_MS },
      )
      .limit(limit)
      .toArray();
    const foreign = lockRows(found).filter((row) => !readLock(row));
    await adoptLocks(database, session, foreign, now);
    return foreign.length;
  });
