import { type Filter, ObjectId } from 'mongodb';
import type { ItemLock, LockHistoryEntry } from '../../contract/schemas/item-lock.ts';
import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../transaction.ts';
import type { LockHistoryRow } from './history-row.ts';

export interface Page {
  /** 1..500. */
  limit: number;
  /** The `next_cursor` of the page before. One that was never handed out gives the first page. */
  cursor?: string | undefined;
}

/** The active locks in the order of their item codes, of one session or of all. */
export async function listLocks(
  database: Database,
  { session_id, limit, cursor }: Page & { session_id?: string | undefined },
): Promise<{ locks: ItemLock[]; total: number; next_cursor?: string }> {
  const filter: Filter<ItemLock> = {
    $expr: { $gt: ['$expires_at', '$$NOW'] },
    ...(session_id === undefined ? {} : { session_id }),
  };
  const after = cursor === undefined ? '' : decode(cursor);
  const [total, locks] = await Promise.all([
    database.locks.countDocuments(filter, { maxTimeMS: MAX_TIME_MS }),
    database.locks
      .find({ ...filter, item_code: { $gt: after } }, { projection: { _id: 0 }, maxTimeMS: MAX_TIME_MS })
      .sort({ item_code: 1 })
      .limit(limit + 1)
      .toArray(),
  ]);
  const page = locks.slice(0, limit);
  return { locks: page, total, ...next(locks.length > limit, page.at(-1)?.item_code) };
}

/** Everything that happened to the locks of an item, oldest first; it outlives the locks (L7). */
export async function lockHistory(
  database: Database,
  { item_code, limit, cursor }: Page & { item_code: string },
): Promise<{ history: LockHistoryEntry[]; total: number; next_cursor?: string }> {
  const rows = await database.lockHistory
    .find({ item_code, ...afterEntry(cursor) }, { maxTimeMS: MAX_TIME_MS })
    .sort({ at: 1, _id: 1 })
    .limit(limit + 1)
    .toArray();
  const total = await database.lockHistory.countDocuments({ item_code }, { maxTimeMS: MAX_TIME_MS });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    history: page.map(({ _id, locked_at: _lockedAt, open: _open, ended: _ended, ...entry }) => entry),
    total,
    ...next(rows.length > limit, last && `${last.at.getTime()}.${last._id.toHexString()}`),
  };
}

function afterEntry(cursor: string | undefined): Filter<LockHistoryRow> {
  const parts = cursor === undefined ? null : /^(\d{1,15})\.([0-9a-f]{24})$/.exec(decode(cursor));
  if (!parts) return {};
  const at = new Date(Number(parts[1]));
  return { $or: [{ at: { $gt: at } }, { at, _id: { $gt: new ObjectId(parts[2]!) } }] };
}

const decode = (cursor: string): string => Buffer.from(cursor, 'base64url').toString('utf8');

const next = (more: boolean, last: string | undefined): { next_cursor?: string } =>
  more && last !== undefined ? { next_cursor: Buffer.from(last, 'utf8').toString('base64url') } : {};
