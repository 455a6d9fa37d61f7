import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import { asLock, readLock } from '../../domain/locks/stored-lock.ts';
import type { Database } from '../database.ts';
import { readServerTime } from '../server-time.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { IS_ACTIVE } from './active-lock.ts';
import { adoptLocks, type LockRow, lockRows } from './adopt-locks.ts';

/**
 * The active locks of these items, by item code; free items are absent. MongoDB's `$$NOW` decides what is
 * active, so a lock that ran out is free even while its row still stands (invariant L3). In a transaction,
 * whose session is passed, locks of other programs are adopted (adopt-locks.ts); else they are only shown.
 */
export async function loadActiveLocks(
  database: Database,
  session: ClientSession | undefined,
  itemCodes: readonly string[],
): Promise<Map<string, ItemLock>> {
  if (itemCodes.length === 0) return new Map();
  const rows = await database.locks
    .find(
      { item_code: { $in: [...new Set(itemCodes)] }, $expr: IS_ACTIVE },
      { maxTimeMS: MAX_TIME_MS, ...(session ? { session } : {}) },
    )
    .toArray();
  const standing = lockRows(rows);
  const locks = session
    ? await adoptLocks(database, session, standing)
    : await shownLocks(database, standing);
  return new Map(locks.map((lock) => [lock.item_code, lock]));
}

/** The rows as locks for showing: one that nobody adopted yet has no id and fence 0. */
export async function shownLocks(database: Database, rows: readonly LockRow[]): Promise<ItemLock[]> {
  if (rows.every((row) => readLock(row))) return rows.map((row) => readLock(row)!);
  const now = await readServerTime(database);
  return rows.map((row) => readLock(row) ?? asLock(row, { now, lock_id: '', fence: 0 }));
}
