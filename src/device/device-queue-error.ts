export type DeviceQueueErrorCode =
  /** `enqueue`: the operation's name, entity type, entity id or user is not a usable string. */
  | 'invalid_operation'
  /** `enqueue`: the payload is no JSON value; the message names the place. */
  | 'invalid_payload'
  /** `enqueue`: `max_retries` is no whole number of 0..10. */
  | 'invalid_max_retries'
  /** `claimBatch`: `limit` is no whole number of 1..500, or the user is missing. */
  | 'invalid_claim'
  /** `retry`, `resolve`: no such row. */
  | 'unknown_row'
  /** `retry`: the row did not fail. */
  | 'not_failed'
  /** `retry`: the server refused the row for good; correct it by enqueueing a new operation. */
  | 'row_rejected'
  /** `resolve`: the row is in no conflict. */
  | 'not_in_conflict'
  /** The database was written by a newer version of this library. */
  | 'newer_schema'
  /** The queue was closed. */
  | 'queue_closed';

/** What the queue refuses, by `code`; the message says what to do. Errors of SQLite pass through as they are. */
export class DeviceQueueError extends Error {
  override readonly name = 'DeviceQueueError';
  readonly code: DeviceQueueErrorCode;

  constructor(code: DeviceQueueErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
