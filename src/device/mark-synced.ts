import { statusOf } from './row-transitions.ts';
import type { SqliteDatabase } from './sqlite-port.ts';

/**
 * Ends rows that the server has: they leave the device, or stay as `synced` with the time for an app that
 * wants to show them. Within a transaction.
 */
export async function markSynced(
  db: SqliteDatabase,
  ids: readonly number[],
  { nowMs, keepSynced }: { nowMs: number; keepSynced: boolean },
): Promise<void> {
  if (ids.length === 0) return;
  const list = JSON.stringify(ids);
  if (keepSynced) {
    await db.run(
      `UPDATE sync_queue SET status = ?, error_message = NULL, synced_at = ?
       WHERE id IN (SELECT value FROM json_each(?))`,
      [statusOf('synced'), Math.trunc(nowMs), list],
    );
    await db.run(
      'UPDATE sync_queue_rows SET unanswered = 0 WHERE row_id IN (SELECT value FROM json_each(?))',
      [list],
    );
    return;
  }
  await db.run('DELETE FROM sync_queue WHERE id IN (SELECT value FROM json_each(?))', [list]);
  await db.run('DELETE FROM sync_queue_rows WHERE row_id IN (SELECT value FROM json_each(?))', [list]);
}
