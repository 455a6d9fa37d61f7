import type { RowStatus } from './row-transitions.ts';
import { type SqliteDatabase, type SqliteValue, select } from './sqlite-port.ts';

/** A row as an app shows it: the columns of `sync_queue`, the payload parsed, and what else is known. */
export interface QueueRow {
  id: number;
  operation: string;
  entity_type: string;
  entity_id: string | null;
  payload: unknown;
  /** Unix milliseconds, by this device's clock. */
  created_at: number;
  retry_count: number;
  max_retries: number;
  status: RowStatus;
  error_message: string | null;
  /** Unix milliseconds; null until synced. */
  synced_at: number | null;
  /** Null for a row that was not written by this library; such a row is never sent. */
  user: string | null;
  queue_epoch: string | null;
  /** The server's last verdict and its code. `rejected` cannot be retried. */
  verdict: string | null;
  code: string | null;
  conflict_id: string | null;
  /** Unix milliseconds; set while a failed row waits to go again by itself. */
  retry_at: number | null;
}

type StoredRow = { [Column in keyof QueueRow]: Column extends 'payload' ? string : QueueRow[Column] };

const COLUMNS = `q.id, q.operation, q.entity_type, q.entity_id, q.payload, q.created_at, q.retry_count,
  q.max_retries, q.status, q.error_message, q.synced_at,
  r.user, r.queue_epoch, r.verdict, r.code, r.conflict_id, r.retry_at`;
const FROM = 'FROM sync_queue AS q LEFT JOIN sync_queue_rows AS r ON r.row_id = q.id';

/** Rows in id order, of one status or of all. */
export async function listRows(db: SqliteDatabase, status: RowStatus | undefined): Promise<QueueRow[]> {
  const where = status === undefined ? '' : 'WHERE q.status = ?';
  const params: SqliteValue[] = status === undefined ? [] : [status];
  return (await select<StoredRow>(db, `SELECT ${COLUMNS} ${FROM} ${where} ORDER BY q.id`, params)).map(parse);
}

export async function findRow(db: SqliteDatabase, id: number): Promise<QueueRow | null> {
  const [row] = await select<StoredRow>(db, `SELECT ${COLUMNS} ${FROM} WHERE q.id = ?`, [id]);
  return row === undefined ? null : parse(row);
}

function parse(row: StoredRow): QueueRow {
  return { ...row, payload: JSON.parse(row.payload) };
}

export interface QueueStats {
  /** Rows on this device that wait to be sent, of every user. */
  pending: number;
  /** `created_at` of the oldest of them in ms; null when none waits. */
  oldest_pending_at: number | null;
  /** Rows that are out with an upload. */
  syncing: number;
  /** Rows that failed: those that wait to go again by themselves, and those that a person has to look at. */
  failed: number;
  conflict: number;
  /** How many of the pending and syncing rows belong to somebody else: they wait until that user signs in. */
  other_users: number;
}

/** Counts the rows; `user` is who is signed in, when null the one that enqueued last. */
export async function readStats(db: SqliteDatabase, user: string | null): Promise<QueueStats> {
  const [stats] = await select<{ [Field in keyof QueueStats]: QueueStats[Field] }>(
    db,
    `SELECT coalesce(sum(q.status = 'pending'), 0) AS pending,
            min(CASE WHEN q.status = 'pending' THEN q.created_at END) AS oldest_pending_at,
            coalesce(sum(q.status = 'syncing'), 0) AS syncing,
            coalesce(sum(q.status = 'failed'), 0) AS failed,
            coalesce(sum(q.status = 'conflict'), 0) AS conflict,
            coalesce(sum(q.status IN ('pending', 'syncing') AND r.user IS NOT signed_in.user), 0) AS other_users
     ${FROM}
     JOIN (SELECT coalesce(?, (SELECT user FROM sync_queue_rows ORDER BY row_id DESC LIMIT 1)) AS user) AS signed_in
     WHERE q.status <> 'synced'`,
    [user],
  );
  // A copy: some drivers answer rows without a prototype.
  return { ...stats! };
}
