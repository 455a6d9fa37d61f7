import { randomUUID } from 'node:crypto';
import type { ClientSession, Document, WithId } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import { SYSTEM_ACTOR } from '../../domain/events/actor.ts';
import { lockEvent } from '../../domain/events/item-events.ts';
import { asLock, readLock, type StoredLock } from '../../domain/locks/stored-lock.ts';
import type { Database } from '../database.ts';
import { appendEvents } from '../outbox.ts';
import { readServerTime } from '../server-time.ts';
import { historyRow } from './history-row.ts';
import { nextFences } from './next-fences.ts';

export type LockRow = WithId<StoredLock>;

/**
 * What a query with a limit adds, or 500 rows that lock nothing would hide all others. As an expression: as
 * `$type` it would win over the index on the end.
 */
export const HAS_ITEM_CODE: Document = { $expr: { $eq: [{ $type: '$item_code' }, 'string'] } };

/**
 * The found rows that lock an item: one without an item code locks nothing, and the validator lets nobody
 * mend it.
 */
export const lockRows = (found: readonly WithId<ItemLock>[]): LockRow[] =>
  found.flatMap((row) => (typeof row.item_code === 'string' ? [{ ...row }] : []));

/**
 * The rows as locks, in their order. Those of other programs that break the rules of a lock are adopted in
 * the caller's transaction, so that they live and end as any lock does: cut to 15 minutes, with what they
 * lack, a fence of the item's counter, a history and an event. No round trip when there is none of them.
 * `at` is the server time to record, read when absent.
 */
export async function adoptLocks(
  database: Database,
  session: ClientSession,
  rows: readonly LockRow[],
  at?: Date,
): Promise<ItemLock[]> {
  const foreign = rows.filter((row) => !readLock(row));
  if (foreign.length === 0) return rows.map((row) => readLock(row)!);
  const now = at ?? (await readServerTime(database, session));
  const adopted = await adopt({ database, session, now }, foreign);
  return rows.map((row) => adopted.get(row) ?? readLock(row)!);
}

async function adopt(
  { database, session, now }: { database: Database; session: ClientSession; now: Date },
  rows: readonly LockRow[],
): Promise<Map<LockRow, ItemLock>> {
  const own = await findStretched(database, session, rows);
  const strangers = rows.filter((row) => !own.has(row));
  const fences = await nextFences(
    database,
    session,
    strangers.map((row) => row.item_code),
  );
  const locks = new Map(
    rows.map((row) => {
      const known = own.get(row);
      const names = known ?? { lock_id: randomUUID(), fence: fences.get(row.item_code)! };
      return [row, asLock(row, { ...names, now })];
    }),
  );
  await database.locks.bulkWrite(
    [...locks].map(([{ _id }, lock]) => ({ updateOne: { filter: { _id }, update: { $set: lock } } })),
    { session, ordered: false },
  );
  await database.lockHistory.updateMany(
    { lock_id: { $in: [...own.values()].map(({ lock_id }) => lock_id) }, open: true },
    { $unset: { open: '' } },
    { session },
  );
  const by = SYSTEM_ACTOR.user_id;
  await database.lockHistory.insertMany(
    [...locks].map(([row, lock]) => historyRow(lock, own.has(row) ? 'renewed' : 'created', by, now)),
    { session },
  );
  const events = [...locks].map(([row, lock]) =>
    lockEvent(lock, own.has(row) ? 'renewed' : 'locked', SYSTEM_ACTOR, now),
  );
  await appendEvents(database, session, events, now);
  return locks;
}

/** Locks of our own whose row another program changed: their history is open, so they keep id and fence. */
async function findStretched(
  database: Database,
  session: ClientSession,
  rows: readonly LockRow[],
): Promise<Map<LockRow, { lock_id: string; fence: number }>> {
  const open = await database.lockHistory
    .find({ item_code: { $in: rows.map((row) => row.item_code) }, open: true }, { session })
    .toArray();
  const byId = new Map(open.map((entry) => [entry.lock_id, entry]));
  return new Map(
    rows.flatMap((row) => {
      const entry = byId.get(String(row['lock_id']));
      return entry && entry.item_code === row.item_code
        ? [[row, { lock_id: entry.lock_id, fence: entry.fence }] as const]
        : [];
    }),
  );
}
