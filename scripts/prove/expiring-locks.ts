// Locks as the engine leaves them when it is killed, with ends that lie ahead, and what became of them.
import { randomUUID } from 'node:crypto';
import type { ItemLock } from '../../src/contract/schemas/item-lock.ts';
import type { Database } from '../../src/db/database.ts';
import { historyRow } from '../../src/db/locks/history-row.ts';
import { MAX_LOCK_MS } from '../../src/domain/locks/lock-rules.ts';

/** One lock of an item of its own per end: the rows, their history and their fences. No ring, no event. */
export async function writeLocks(database: Database, session_id: string, ends: readonly Date[]) {
  const locks = ends.map(
    (expires_at, n): ItemLock => ({
      lock_id: randomUUID(),
      item_code: `${session_id} ${n}`,
      session_id,
      locked_by: 'mira',
      locked_at: new Date(expires_at.getTime() - MAX_LOCK_MS),
      expires_at,
      reason: 'manual',
      fence: 1,
    }),
  );
  await database.lockFences.insertMany(locks.map(({ item_code }) => ({ _id: item_code, fence: 1 })));
  await database.lockHistory.insertMany(
    locks.map((lock) => historyRow(lock, 'created', lock.locked_by, lock.locked_at)),
  );
  await database.locks.insertMany(locks);
}

export interface LockEnds {
  /** Locks with exactly one closing entry, and that one `expired`. */
  endedOnce: number;
  /** From the end of each lock's time to the transaction that recorded it, by MongoDB's clock. */
  recordedMs: number[];
  /** From the end of each lock's time to the publisher's mark on its event, by MongoDB's clock. */
  toldMs: number[];
}

/** How the locks of a session ended. */
export async function readEnds(database: Database, session_id: string): Promise<LockEnds> {
  const closing = await database.lockHistory.find({ session_id, ended: true }).toArray();
  const perLock = Map.groupBy(closing, (row) => row.lock_id);
  const events = await database.outbox
    .find({ 'event.payload.data.session_id': session_id, 'event.payload.data.lock.state': 'expired' })
    .toArray();
  return {
    endedOnce: [...perLock.values()].filter((rows) => rows.length === 1 && rows[0]!.event === 'expired')
      .length,
    recordedMs: closing.map(({ at, expires_at }) => at.getTime() - expires_at.getTime()),
    toldMs: events.flatMap(({ sent_at, event }) => {
      const { expires_at } = event.payload.data['lock'] as { expires_at: string };
      return sent_at ? [sent_at.getTime() - Date.parse(expires_at)] : [];
    }),
  };
}

/** The smallest value that this share of them does not exceed; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.ceil(ascending.length * share) - 1] ?? Number.NaN;
}
