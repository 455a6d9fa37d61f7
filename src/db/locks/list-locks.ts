import { type Filter, ObjectId } from 'mongodb';
import type { ItemLock, LockHistoryEntry } from '../../contract/schemas/item-lock.ts';
import type { Database } from '../database.ts';
import { decodeCursor, encodeCursor, InvalidCursor, type Page, type PageRequest, pageOf } from '../page.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { IS_ACTIVE } from './active-lock.ts';
import { lockRows } from './adopt-locks.ts';
import type { LockHistoryRow } from './history-row.ts';
import { shownLocks } from './load-active-locks.ts';

/** The active locks in the order of their item codes, of one session or of all. */
export async function listLocks(
  database: Database,
  { session_id, limit, cursor }: PageRequest & { session_id?: string | undefined },
): Promise<Page<ItemLock>> {
  const filter: Filter<ItemLock> = {
    item_code: { $type: 'string' },
    $expr: IS_ACTIVE,
    ...(session_id === undefined ? {} : { session_id }),
  };
  const after = cursor === undefined ? undefined : decodeCursor(cursor, ['string']);
  const [total, rows] = await Promise.all([
    database.locks.countDocuments(filter, { maxTimeMS: MAX_TIME_MS }),
    database.locks
      .find(after ? { ...filter, item_code: { $gt: after[0] as string } } : filter, {
        maxTimeMS: MAX_TIME_MS,
      })
      .sort({ item_code: 1 })
      .limit(limit + 1)
      .toArray(),
  ]);
  const page = pageOf(lockRows(rows), limit, total, (row) => encodeCursor([row.item_code]));
  return { ...page, rows: await shownLocks(database, page.rows) };
}

/** Everything that happened to the locks of an item, oldest first; it outlives the locks (L7). */
export async function lockHistory(
  database: Database,
  { item_code, limit, cursor }: PageRequest & { item_code: string },
): Promise<Page<LockHistoryEntry>> {
  const [total, found] = await Promise.all([
    database.lockHistory.countDocuments({ item_code }, { maxTimeMS: MAX_TIME_MS }),
    database.lockHistory
      .find({ item_code, ...afterEntry(cursor) }, { maxTimeMS: MAX_TIME_MS })
      .sort({ at: 1, _id: 1 })
      .limit(limit + 1)
      .toArray(),
  ]);
  const page = pageOf(found, limit, total, (row) => encodeCursor([row.at.getTime(), row._id.toHexString()]));
  return { ...page, rows: page.rows.map(entryOf) };
}

/** Two entries may have one time: the end of a lock and the beginning of the next. */
function afterEntry(cursor: string | undefined): Filter<LockHistoryRow> {
  if (cursor === undefined) return {};
  const after = decodeCursor(cursor, ['number', 'string']);
  if (!ObjectId.isValid(after[1] as string)) throw new InvalidCursor();
  const at = new Date(after[0] as number);
  return { $or: [{ at: { $gt: at } }, { at, _id: { $gt: new ObjectId(after[1] as string) } }] };
}

const entryOf = ({
  locked_at: _lockedAt,
  open: _open,
  ended: _ended,
  ...row
}: LockHistoryRow): LockHistoryEntry => {
  const { _id, ...entry } = row as LockHistoryEntry & { _id?: ObjectId };
  return entry;
};
