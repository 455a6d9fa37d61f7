import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import { isManualHolder } from '../../domain/locks/lock-rules.ts';
import type { LineWrite } from '../../domain/sync/chunk.ts';
import type { Database } from '../database.ts';

/**
 * Writes the items' fence documents in the caller's transaction, which decided by their locks. A lock is
 * read in a snapshot, and whoever takes the item at the same time writes other documents than the caller
 * does, so that both would commit. On the fence document they meet: every take moves it on, and the later of
 * the two runs again on what the first one left (invariant L5). So nothing that was decided under a lock, or
 * on there being none, commits after the next holder's take, also when the lock ran out since it was read.
 *
 * One round trip whatever the number of items. An item that was never locked gets its document at fence 0.
 */
export async function holdFences(
  database: Database,
  session: ClientSession,
  itemCodes: readonly string[],
): Promise<void> {
  if (itemCodes.length === 0) return;
  // In the order of the takes (next-fences.ts): two commands for the same items wait in a line, not in a circle.
  const codes = [...new Set(itemCodes)].toSorted();
  await database.lockFences.bulkWrite(
    codes.map((_id) => ({
      updateOne: {
        filter: { _id },
        update: { $inc: { holds: 1 }, $setOnInsert: { fence: 0 } },
        upsert: true,
      },
    })),
    { session, ordered: false },
  );
}

/**
 * `holdFences` for the lines that a chunk writes under its uploader's own manual lock. Nothing, and no round
 * trip, when there is none: a count of a free item is right whatever lock is taken beside it, because it then
 * came first, so that plain counts never meet here.
 */
export async function holdCountedUnderLock(
  database: Database,
  session: ClientSession,
  chunk: { lines: readonly LineWrite[]; locks: ReadonlyMap<string, ItemLock>; userId: string },
): Promise<void> {
  const held = chunk.lines.flatMap(({ after: { item_code, session_id } }) => {
    const lock = chunk.locks.get(item_code);
    return lock?.session_id === session_id && isManualHolder(lock, chunk.userId) ? [item_code] : [];
  });
  await holdFences(database, session, held);
}
