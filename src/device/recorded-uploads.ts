import { type SqliteDatabase, select } from './sqlite-port.ts';

export interface RecordedUpload {
  batchId: string;
  user: string;
  rowIds: number[];
}

/** Notes an upload before its first byte leaves, so that it can go out again as it was. */
export async function recordUpload(db: SqliteDatabase, upload: RecordedUpload): Promise<void> {
  await db.run('INSERT INTO sync_queue_uploads (batch_id, user, row_ids) VALUES (?, ?, ?)', [
    upload.batchId,
    upload.user,
    JSON.stringify(upload.rowIds),
  ]);
}

export async function forgetUpload(db: SqliteDatabase, batchId: string): Promise<void> {
  await db.run('DELETE FROM sync_queue_uploads WHERE batch_id = ?', [batchId]);
}

type UploadRow = { batch_id: string; row_ids: string; expected: number; pending: number; syncing: number };

/**
 * The user's oldest upload that was handed back without an answer, all of its rows still waiting. A record
 * that lost a row (set aside as too large) is forgotten on the way: each operation is known to the server
 * by itself, the batch id only saves work.
 */
export async function takeUnansweredUpload(db: SqliteDatabase, user: string): Promise<RecordedUpload | null> {
  const uploads = await select<UploadRow>(
    db,
    `SELECT u.batch_id, u.row_ids, count(*) AS expected,
            sum(q.status IS 'pending') AS pending, sum(q.status IS 'syncing') AS syncing
     FROM sync_queue_uploads AS u
     JOIN json_each(u.row_ids) AS j
     LEFT JOIN sync_queue AS q ON q.id = j.value
     WHERE u.user = ?
     GROUP BY u.rowid ORDER BY min(j.value)`,
    [user],
  );
  for (const upload of uploads) {
    if (upload.pending === upload.expected) {
      return { batchId: upload.batch_id, user, rowIds: JSON.parse(upload.row_ids) as number[] };
    }
    if (upload.syncing === 0) await forgetUpload(db, upload.batch_id);
  }
  return null;
}

/**
 * Forgets the uploads of which these rows were part. One verdict is enough: a row that got `retry` or a new
 * epoch may be `pending` again beside one that got nothing, and is not what it was in that upload.
 */
export async function forgetAnsweredUploads(
  db: SqliteDatabase,
  settledIds: readonly number[],
): Promise<void> {
  await db.run(
    `DELETE FROM sync_queue_uploads
     WHERE EXISTS (SELECT 1 FROM json_each(row_ids) AS mine
                   JOIN json_each(?) AS settled ON settled.value = mine.value)`,
    [JSON.stringify(settledIds)],
  );
}
