import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { Database } from '../database.ts';
import { appendEvents } from '../outbox.ts';
import { readServerTime } from '../server-time.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { inTransaction } from '../transaction.ts';
import { adoptLocks, lockRows } from './adopt-locks.ts';
import { endLocks, expiry } from './end-locks.ts';
import { lockOfRow } from './history-row.ts';

/** At most `limit` items with a lock whose time has passed, those whose row is gone too, without `except`. */
export async function dueItems(
  database: Database,
  page: { except: readonly string[]; limit: number },
): Promise<string[]> {
  const now = await readServerTime(database);
  const due = { expires_at: { $lte: now }, item_code: { $type: 'string' as const, $nin: [...page.except] } };
  const options = { projection: { _id: 0, item_code: 1 }, maxTimeMS: MAX_TIME_MS };
  const [rows, entries] = await Promise.all([
    database.locks.find(due, options).sort({ expires_at: 1 }).limit(page.limit).toArray(),
    database.lockHistory
      .find({ ...due, open: true }, options)
      .sort({ expires_at: 1 })
      .limit(page.limit)
      .toArray(),
  ]);
  return [...new Set([...rows, ...entries].map((row) => row.item_code))].slice(0, page.limit);
}

/** Ends what is due of one item, as `endDuePage` does of many (due-locks.ts). Returns how many it ended. */
export const endDueItem = (database: Database, item: string): Promise<number> =>
  inTransaction(database, async (session) => {
    const now = await readServerTime(database, session);
    const due = await dueLocksOf(database, session, { item, now });
    const events = await endLocks(database, session, due.map(expiry), now);
    await appendEvents(database, session, events, now);
    return events.length;
  });

async function dueLocksOf(
  database: Database,
  session: ClientSession,
  { item, now }: { item: string; now: Date },
): Promise<ItemLock[]> {
  const due = { item_code: item, expires_at: { $lte: now } };
  const rows = await database.locks.find(due, { session, maxTimeMS: MAX_TIME_MS }).toArray();
  if (rows.length > 0) return adoptLocks(database, session, lockRows(rows), now);
  // The TTL index took the row. One that stands and has not run out is of a newer lock, or of a stretched one.
  const standing = await database.locks.findOne({ item_code: item }, { session, maxTimeMS: MAX_TIME_MS });
  const entries = await database.lockHistory
    .find({ ...due, open: true }, { session, maxTimeMS: MAX_TIME_MS })
    .toArray();
  return entries.filter((entry) => entry.lock_id !== standing?.lock_id).map(lockOfRow);
}
