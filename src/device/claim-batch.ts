import type { UploadItem } from '../contract/wire-types.ts';
import { MAX_ROW_WAIT_MS } from './backoff.ts';
import { isObject, knownVersions, lineOf } from './known-versions.ts';
import { moveRows } from './move-rows.ts';
import { randomUuid } from './random-ids.ts';
import { recordUpload, takeUnansweredUpload } from './recorded-uploads.ts';
import { readDevice } from './schema.ts';
import { type SqliteDatabase, select } from './sqlite-port.ts';

/** Rows on their way to the server, in id order; the wire fields of one upload. */
export interface ClaimedBatch {
  batch_id: string;
  device_id: string;
  queue_epoch: string;
  user: string;
  /** True when this upload went out before and its answer was lost: the same rows, the same id. */
  resumed: boolean;
  items: UploadItem[];
}

/** The columns that an item is made of. */
export type ItemRow = {
  id: number;
  operation: string;
  entity_type: string;
  entity_id: string | null;
  payload: string;
  created_at: number;
  retry_count: number;
  queue_epoch: string;
  frozen: number;
};

export const ITEM_COLUMNS =
  'q.id, q.operation, q.entity_type, q.entity_id, q.payload, q.created_at, q.retry_count, r.queue_epoch, r.frozen';

/**
 * Takes the next rows of `user` for one upload, `syncing` from then on, or null when there is nothing to
 * send. An upload whose answer was lost comes first and comes whole, whatever `limit` says. Within a
 * transaction.
 */
export async function claimBatch(
  db: SqliteDatabase,
  { user, limit, nowMs }: { user: string; limit: number; nowMs: number },
): Promise<ClaimedBatch | null> {
  await endBackoffs(db, nowMs);
  const { deviceId } = await readDevice(db);
  const unanswered = await takeUnansweredUpload(db, user);
  const rows =
    unanswered === null ? await nextRows(db, { user, limit }) : await rowsById(db, unanswered.rowIds);
  if (rows.length === 0) return null;

  const ids = rows.map((row) => row.id);
  const batchId = unanswered?.batchId ?? (await randomUuid(db));
  const frozen = await freeze(db, rows);
  if (unanswered === null) await recordUpload(db, { batchId, user, rowIds: ids });
  await moveRows(db, 'claimed', ids);
  return {
    batch_id: batchId,
    device_id: deviceId,
    queue_epoch: rows[0]!.queue_epoch,
    user,
    resumed: unanswered !== null,
    items: frozen.map(toItem),
  };
}

/** The wire form of a row. */
export function toItem(row: ItemRow): UploadItem {
  return {
    id: row.id,
    operation: row.operation,
    entity_type: row.entity_type,
    ...(row.entity_id === null ? {} : { entity_id: row.entity_id }),
    payload: JSON.parse(row.payload),
    created_at: row.created_at,
    retry_count: row.retry_count,
  };
}

/** Rows whose wait is over go back to `pending`. A wait longer than any we give means the clock was set back. */
async function endBackoffs(db: SqliteDatabase, nowMs: number): Promise<void> {
  const due = await select<{ row_id: number }>(
    db,
    `UPDATE sync_queue_rows SET retry_at = NULL
     WHERE retry_at IS NOT NULL AND (retry_at <= ? OR retry_at > ?) RETURNING row_id`,
    [nowMs, nowMs + MAX_ROW_WAIT_MS],
  );
  await moveRows(
    db,
    'backoff_over',
    due.map((row) => row.row_id),
  );
}

/**
 * The next pending rows of one epoch, in id order. A row stays behind while an earlier one of the same
 * user and session is out or waits for its backoff: the server would only answer `session_unknown`, which
 * costs retries, or a recount would be overtaken by the count before it. Rows that a person has to look at
 * hold nobody back, and neither do other users' rows: their owner may never sign in here again.
 */
async function nextRows(
  db: SqliteDatabase,
  { user, limit }: { user: string; limit: number },
): Promise<ItemRow[]> {
  const rows = await select<ItemRow>(
    db,
    `WITH ahead AS MATERIALIZED (
       SELECT r.session_id, min(q.id) AS id
       FROM sync_queue AS q JOIN sync_queue_rows AS r ON r.row_id = q.id
       WHERE q.status IN ('syncing', 'failed') AND (q.status = 'syncing' OR r.retry_at IS NOT NULL)
         AND r.user = ? AND r.session_id IS NOT NULL
       GROUP BY r.session_id
     )
     SELECT ${ITEM_COLUMNS}
     FROM sync_queue AS q JOIN sync_queue_rows AS r ON r.row_id = q.id
     LEFT JOIN ahead ON ahead.session_id = r.session_id AND ahead.id < q.id
     WHERE q.status = 'pending' AND r.user = ? AND ahead.id IS NULL
     ORDER BY q.id LIMIT ?`,
    [user, user, limit],
  );
  const otherEpoch = rows.findIndex((row) => row.queue_epoch !== rows[0]!.queue_epoch);
  return otherEpoch === -1 ? rows : rows.slice(0, otherEpoch);
}

function rowsById(db: SqliteDatabase, ids: readonly number[]): Promise<ItemRow[]> {
  return select<ItemRow>(
    db,
    `SELECT ${ITEM_COLUMNS} FROM sync_queue AS q JOIN sync_queue_rows AS r ON r.row_id = q.id
     WHERE q.id IN (SELECT value FROM json_each(?)) ORDER BY q.id`,
    [JSON.stringify(ids)],
  );
}

/**
 * Fixes the content of rows that go out for the first time. The server knows an operation by its content
 * for ever, so a `base_version` that we fill in is stored before it is sent, and one that we could not
 * fill in then stays away.
 */
async function freeze(db: SqliteDatabase, rows: readonly ItemRow[]): Promise<ItemRow[]> {
  const counts = rows.flatMap((row) => {
    const line = row.frozen === 1 ? null : lineWithoutBase(row);
    return line === null ? [] : [{ id: row.id, line }];
  });
  const versions = await knownVersions(db, counts);
  const frozen: ItemRow[] = [];
  for (const row of rows) {
    const version = versions.get(row.id);
    if (version === undefined) {
      frozen.push(row);
      continue;
    }
    const payload = JSON.stringify({ ...JSON.parse(row.payload), base_version: version });
    await db.run('UPDATE sync_queue SET payload = ? WHERE id = ?', [payload, row.id]);
    frozen.push({ ...row, payload });
  }
  await db.run(
    'UPDATE sync_queue_rows SET frozen = 1, unanswered = 1 WHERE row_id IN (SELECT value FROM json_each(?))',
    [JSON.stringify(rows.map((row) => row.id))],
  );
  return frozen;
}

function lineWithoutBase(row: ItemRow) {
  const payload: unknown = JSON.parse(row.payload);
  if (!isObject(payload) || payload['base_version'] !== undefined) return null;
  return lineOf(row.operation, payload);
}
