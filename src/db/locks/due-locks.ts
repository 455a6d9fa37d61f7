import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { Database } from '../database.ts';
import { appendEvents } from '../outbox.ts';
import { readServerTime } from '../server-time.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { inTransaction } from '../transaction.ts';
import { adoptLocks, HAS_ITEM_CODE, lockRows } from './adopt-locks.ts';
import { endLocks, expiry } from './end-locks.ts';
import { lockOfRow } from './history-row.ts';

/**
 * Ends at most `limit` locks whose time has passed by `$$NOW`, oldest first, as `expired`, with their
 * events, in one transaction. Returns how many it ended; fewer than were due when others ended some.
 */
export const endDuePage = (database: Database, limit: number): Promise<number> =>
  inTransaction(database, async (session) => {
    const now = await readServerTime(database, session);
    const due = await dueRows(database, session, { now, limit });
    // After a full page comes another one.
    if (due.length < limit) due.push(...(await dueInHistory(database, session, { now, limit, due })));
    if (due.length === 0) return 0;
    const events = await endLocks(database, session, due.map(expiry), now);
    await appendEvents(database, session, events, now);
    return events.length;
  });

interface DuePage {
  /** By MongoDB's clock. As a value, not as `$$NOW`, it bounds the walk along the index. */
  now: Date;
  limit: number;
}

/** Rows past their time, those of other programs adopted. */
async function dueRows(database: Database, session: ClientSession, page: DuePage): Promise<ItemLock[]> {
  const rows = await database.locks
    .find({ ...HAS_ITEM_CODE, expires_at: { $lte: page.now } }, { session, maxTimeMS: MAX_TIME_MS })
    .sort({ expires_at: 1 })
    .limit(page.limit)
    .toArray();
  return adoptLocks(database, session, lockRows(rows), page.now);
}

/** Locks past their time of which the TTL index took the row before anybody recorded the end. */
async function dueInHistory(
  database: Database,
  session: ClientSession,
  page: DuePage & { due: readonly ItemLock[] },
): Promise<ItemLock[]> {
  const known = new Set(page.due.map((lock) => lock.lock_id));
  const entries = await database.lockHistory
    .find({ open: true, expires_at: { $lte: page.now } }, { session, maxTimeMS: MAX_TIME_MS })
    .sort({ expires_at: 1 })
    .limit(page.limit)
    .toArray();
  const open = entries.filter((entry) => !known.has(entry.lock_id));
  if (open.length === 0) return [];
  const standing = await database.locks
    .find(
      { item_code: { $in: open.map((row) => row.item_code) } },
      { projection: { _id: 0, lock_id: 1 }, session, maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
  const ids = new Set(standing.map((lock) => lock.lock_id));
  return open.filter((row) => !ids.has(row.lock_id)).map(lockOfRow);
}

/** Other types than dates are not greater. A bound, so that the walk along the index begins at the dates. */
const EARLIEST = new Date(-8.64e15);

/** Looked at first: beside thousands of locks the nearest few are found sooner than the first of all. */
const NEAR_MS = 2_000;

/** When the next lock runs out and how long that is by MongoDB's clock; undefined when there is none. */
export async function nextLockExpiry(
  database: Database,
): Promise<{ expiresAt: Date; inMs: number } | undefined> {
  const now = await readServerTime(database);
  const near = new Date(now.getTime() + NEAR_MS);
  const next =
    (await firstEnd(database, { $gt: EARLIEST, $lte: near })) ?? (await firstEnd(database, { $gt: near }));
  return next && { expiresAt: next, inMs: Math.max(0, next.getTime() - now.getTime()) };
}

async function firstEnd(database: Database, within: { $gt: Date; $lte?: Date }): Promise<Date | undefined> {
  const [row] = await database.locks
    .find(
      { ...HAS_ITEM_CODE, expires_at: within },
      { projection: { _id: 0, expires_at: 1 }, maxTimeMS: MAX_TIME_MS },
    )
    .sort({ expires_at: 1 })
    .limit(1)
    .toArray();
  return row?.expires_at;
}
