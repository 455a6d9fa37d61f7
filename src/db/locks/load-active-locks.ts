import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../time-limited.ts';

/**
 * The active locks of these items, by item code; free items are absent. MongoDB's `$$NOW` decides what is
 * active, so a lock that ran out is free even while its row still stands (invariant L3).
 */
export async function loadActiveLocks(
  database: Database,
  session: ClientSession | undefined,
  itemCodes: readonly string[],
): Promise<Map<string, ItemLock>> {
  if (itemCodes.length === 0) return new Map();
  const locks = await database.locks
    .find(
      { item_code: { $in: [...new Set(itemCodes)] }, $expr: { $gt: ['$expires_at', '$$NOW'] } },
      { projection: { _id: 0 }, maxTimeMS: MAX_TIME_MS, ...(session ? { session } : {}) },
    )
    .toArray();
  return new Map(locks.map((lock) => [lock.item_code, lock]));
}
