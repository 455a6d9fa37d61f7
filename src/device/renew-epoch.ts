import { randomHex } from './random-ids.ts';
import { readDevice } from './schema.ts';
import { type SqliteDatabase, select } from './sqlite-port.ts';

/**
 * The server knows these ids with other content: the database came back from a backup and counted its ids
 * again. A new epoch makes them new operations. It takes along all later rows, of every user, except
 * - those that the server may have under their old name (out, or out once and never answered): sent under
 *   a new one they would apply twice, while a replay finds them, or finds them reused as well;
 * - those with a lasting verdict (`conflict`, `rejected`), which is known by their old name.
 * A row told so of an earlier epoch than today's joins today's. Within a transaction.
 */
export async function renewEpoch(db: SqliteDatabase, reusedIds: readonly number[]): Promise<void> {
  const { queueEpoch: today } = await readDevice(db);
  const list = JSON.stringify(reusedIds);
  const [hit] = await select<{ n: number }>(
    db,
    `SELECT count(*) AS n FROM sync_queue_rows
     WHERE queue_epoch = ? AND row_id IN (SELECT value FROM json_each(?))`,
    [today, list],
  );
  const epoch = hit!.n > 0 ? await randomHex(db, 8) : today;
  await db.run('UPDATE sync_queue_device SET queue_epoch = ?', [epoch]);
  await db.run(
    `UPDATE sync_queue_rows SET queue_epoch = ?
     WHERE row_id >= ? AND unanswered = 0 AND verdict IS NOT 'rejected'
       AND row_id IN (SELECT id FROM sync_queue WHERE status IN ('pending', 'failed'))`,
    [epoch, Math.min(...reusedIds)],
  );
}
