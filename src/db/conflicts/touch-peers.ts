import type { ClientSession } from 'mongodb';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { Database } from '../database.ts';

/**
 * Writes the pending conflicts of these conflicts' items, in the caller's transaction. Whoever opens
 * or ends a conflict decides the session's state by the item's other conflicts, which a snapshot alone does
 * not hold still: two that resolve the last two of them would each leave the item to the other (S8). Here
 * they meet, and the second runs again on what the first one left. Call it before any of them is written on
 * its own: in one order for everybody, nobody waits in a circle.
 */
export async function touchPeers(
  database: Database,
  session: ClientSession,
  conflicts: readonly Pick<SyncConflict, 'session_id' | 'item_code'>[],
): Promise<void> {
  if (conflicts.length === 0) return;
  const items = new Map(
    conflicts.map(({ session_id, item_code }) => [`${session_id}\n${item_code}`, { session_id, item_code }]),
  );
  await database.conflicts.updateMany(
    { status: 'pending', $or: [...items.values()] },
    { $inc: { peer_changes: 1 } },
    { session },
  );
}
