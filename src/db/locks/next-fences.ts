import type { ClientSession } from 'mongodb';
import type { Database } from '../database.ts';

/**
 * Moves the items' fences on by one and returns them by item code (invariant L4). Inside the transaction that
 * makes the lock: outside it a fence was seen going backwards. Two round trips, none for no items.
 */
export async function nextFences(
  database: Database,
  session: ClientSession,
  itemCodes: readonly string[],
): Promise<Map<string, number>> {
  if (itemCodes.length === 0) return new Map();
  // In the order of the holds (hold-fences.ts): two commands for the same items wait in a line, not in a circle.
  const codes = [...itemCodes].toSorted();
  await database.lockFences.bulkWrite(
    codes.map((_id) => ({
      updateOne: { filter: { _id }, update: { $inc: { fence: 1 } }, upsert: true },
    })),
    { session, ordered: false },
  );
  const rows = await database.lockFences.find({ _id: { $in: codes } }, { session }).toArray();
  return new Map(rows.map((row) => [row._id, row.fence]));
}
