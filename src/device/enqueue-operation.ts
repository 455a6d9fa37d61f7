import type { EntityType, OperationName } from '../contract/wire-types.ts';
import { DeviceQueueError } from './device-queue-error.ts';
import { toJsonText } from './json-payload.ts';
import { isObject } from './known-versions.ts';
import { inTransaction } from './one-writer.ts';
import { type SqliteDatabase, select } from './sqlite-port.ts';

const DEFAULT_MAX_RETRIES = 3;
const MOST_RETRIES = 10;

/** One thing that a person did while counting. */
export interface Operation {
  operation: OperationName;
  entity_type: EntityType;
  entity_id?: string | undefined;
  /** Any JSON value; what belongs in it is the server's to judge. A count without `base_version` gets it. */
  payload: unknown;
  /** How many `retry` verdicts the row takes before a person has to look, 0..10. */
  max_retries?: number | undefined;
}

/**
 * Stores one operation of `user` and resolves to its row id once it is on disk: from then on no crash
 * loses it. Refuses, with nothing stored, what could not be sent as it was meant.
 */
export async function enqueueOperation(
  db: SqliteDatabase,
  operation: Operation,
  { user, nowMs }: { user: string; nowMs: number },
): Promise<number> {
  assertName('operation', operation.operation);
  assertName('entity_type', operation.entity_type);
  if (operation.entity_id !== undefined) assertName('entity_id', operation.entity_id);
  assertName('user', user);
  const maxRetries = operation.max_retries ?? DEFAULT_MAX_RETRIES;
  assertMaxRetries(maxRetries);
  // To text before waiting for our turn: the caller may change the object after the call.
  const payload = toJsonText(operation.payload);
  const { operation: name, entity_type: entityType, entity_id: entityId = null } = operation;
  const sessionId = sessionOf(operation);

  return inTransaction(db, async () => {
    const [row] = await select<{ id: number }>(
      db,
      `INSERT INTO sync_queue (operation, entity_type, entity_id, payload, created_at, max_retries)
       VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
      [name, entityType, entityId, payload, Math.trunc(nowMs), maxRetries],
    );
    await db.run(
      `INSERT INTO sync_queue_rows (row_id, user, queue_epoch, session_id)
       SELECT ?, ?, queue_epoch, ? FROM sync_queue_device`,
      [row!.id, user, sessionId],
    );
    return row!.id;
  });
}

function sessionOf({ payload, entity_type: entityType, entity_id: entityId }: Operation): string | null {
  if (isObject(payload) && typeof payload['session_id'] === 'string') return payload['session_id'].trim();
  return entityType === 'session' ? (entityId ?? null) : null;
}

function assertName(field: string, value: unknown): void {
  if (typeof value === 'string' && value.trim() !== '') return;
  throw new DeviceQueueError(
    'invalid_operation',
    `The operation was not stored: ${field} must be a string that is not blank.`,
  );
}

function assertMaxRetries(value: unknown): void {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_RETRIES) return;
  throw new DeviceQueueError(
    'invalid_max_retries',
    `The operation was not stored: max_retries must be a whole number of 0..${MOST_RETRIES}, got ${String(value)}.`,
  );
}
