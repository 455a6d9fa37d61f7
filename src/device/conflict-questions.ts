import type { ClaimedBatch, ItemRow } from './claim-batch.ts';
import { ITEM_COLUMNS, toItem } from './claim-batch.ts';
import { randomUuid } from './random-ids.ts';
import { readDevice } from './schema.ts';
import { type SqliteDatabase, select } from './sqlite-port.ts';

/**
 * The user's rows in conflict as uploads that ask how they stand: a replay of an operation gets its first
 * verdict again, or `duplicate` with the resolution. The rows stay `conflict`, nothing is recorded, and
 * each question has a new batch id, because an answered batch would answer as before.
 */
export async function conflictQuestions(
  db: SqliteDatabase,
  { user, limit }: { user: string; limit: number },
): Promise<ClaimedBatch[]> {
  const { deviceId } = await readDevice(db);
  const rows = await select<ItemRow>(
    db,
    `SELECT ${ITEM_COLUMNS} FROM sync_queue AS q JOIN sync_queue_rows AS r ON r.row_id = q.id
     WHERE q.status = 'conflict' AND r.user = ? ORDER BY r.queue_epoch, q.id`,
    [user],
  );
  const questions: ClaimedBatch[] = [];
  for (const row of rows) {
    const last = questions.at(-1);
    if (last !== undefined && last.queue_epoch === row.queue_epoch && last.items.length < limit) {
      last.items.push(toItem(row));
      continue;
    }
    questions.push({
      batch_id: await randomUuid(db),
      device_id: deviceId,
      queue_epoch: row.queue_epoch,
      user,
      resumed: false,
      items: [toItem(row)],
    });
  }
  return questions;
}
