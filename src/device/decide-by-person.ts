import { DeviceQueueError } from './device-queue-error.ts';
import { markSynced } from './mark-synced.ts';
import { findRow, type QueueRow } from './read-rows.ts';
import { nextState, type RowEvent, type RowState, stateOf, statusOf } from './row-transitions.ts';
import type { SqliteDatabase } from './sqlite-port.ts';

/** Sends a failed row again, with all its retries. Refused for one that the server rejected. Within a transaction. */
export async function retryRow(db: SqliteDatabase, id: number): Promise<void> {
  const row = await existing(db, id);
  const to = nextState(stateOf(row), 'retried_by_person');
  if (to === null) {
    throw row.verdict === 'rejected' && row.status === 'failed'
      ? new DeviceQueueError(
          'row_rejected',
          `Row ${id} was rejected for good (${row.error_message ?? 'no reason given'}); enqueue a corrected operation.`,
        )
      : new DeviceQueueError('not_failed', `Row ${id} is ${row.status}; only a failed row can be retried.`);
  }
  await db.run('UPDATE sync_queue SET status = ?, retry_count = 0, error_message = NULL WHERE id = ?', [
    statusOf(to),
    id,
  ]);
  await db.run('UPDATE sync_queue_rows SET retry_at = NULL WHERE row_id = ?', [id]);
}

/** Ends a conflict that the person knows to be settled. Within a transaction. */
export async function resolveRow(
  db: SqliteDatabase,
  id: number,
  options: { nowMs: number; keepSynced: boolean },
): Promise<void> {
  const row = await existing(db, id);
  if (nextState(stateOf(row), 'resolved_by_person') === null) {
    throw new DeviceQueueError(
      'not_in_conflict',
      `Row ${id} is ${row.status}; only a conflict can be resolved.`,
    );
  }
  await markSynced(db, [id], options);
}

/** Sets a row aside that the server cannot take, until a person retries it. Within a transaction. */
export async function setAsideRow(db: SqliteDatabase, id: number, reason: string): Promise<void> {
  const row = await existing(db, id);
  const event: RowEvent = 'too_large';
  const to: RowState | null = nextState(stateOf(row), event);
  if (to === null) return;
  await db.run(
    'UPDATE sync_queue SET status = ?, retry_count = max_retries, error_message = ? WHERE id = ?',
    [statusOf(to), reason, id],
  );
  await db.run(
    'UPDATE sync_queue_rows SET unanswered = 0, verdict = NULL, code = ?, retry_at = NULL WHERE row_id = ?',
    [event, id],
  );
}

async function existing(db: SqliteDatabase, id: number): Promise<QueueRow> {
  const row = await findRow(db, id);
  if (row === null) throw new DeviceQueueError('unknown_row', `There is no row ${id}; it may have synced.`);
  return row;
}
