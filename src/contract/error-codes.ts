/**
 * Every error a caller can meet, said once: its HTTP status, what it means and what to do about it
 * (contract 4). docs/error-codes.md is made from this table.
 */
export const ERROR_CODES = {
  invalid_request: {
    status: 400,
    meaning: 'The request is malformed: not JSON, a wrong type, a value out of range.',
    remedy: 'Mend the fields named in `issues` and send it again.',
  },
  unsupported_version: {
    status: 400,
    meaning: 'The `schema_version`, or the job of a dead letter, is none that this server knows.',
    remedy: 'Upgrade the server, or send version 1.',
  },
  unauthorized: {
    status: 401,
    meaning: 'No token, or one that is forged, expired or of the wrong kind.',
    remedy: 'Ask the sign-in service for a new access token.',
  },
  forbidden: {
    status: 403,
    meaning: 'The role in the token may not do this.',
    remedy: 'Ask a supervisor or an administrator.',
  },
  not_found: {
    status: 404,
    meaning: 'There is no such thing, it was deleted, or it is not yours to see.',
    remedy: 'Check the id.',
  },
  batch_id_reused: {
    status: 409,
    meaning: 'This `batch_id` was accepted with other content, or from another user.',
    remedy: 'Send the batch under a new `batch_id`.',
  },
  item_locked: {
    status: 409,
    meaning: 'The item is locked; the holder is in `lock`.',
    remedy: 'Wait until `lock.expires_at`, or ask the holder to release it.',
  },
  lock_lost: {
    status: 409,
    meaning: 'The fence is not the current one: the lock ended or belongs to somebody else.',
    remedy: 'Read the lock again and take it anew.',
  },
  conflict_already_resolved: {
    status: 409,
    meaning: 'Somebody resolved this conflict before.',
    remedy: 'Read the conflict to see how.',
  },
  server_version_changed: {
    status: 409,
    meaning: 'The line moved past the `server_version` that the decision was made on; it is in `line`.',
    remedy: 'Look at the current line and decide again.',
  },
  batch_too_large: {
    status: 413,
    meaning: 'Over 500 operations, 1 MiB sent or 8 MiB inflated.',
    remedy: 'Send the batch in halves.',
  },
  lock_too_long: {
    status: 422,
    meaning: 'A lock lives at most 900 seconds.',
    remedy: 'Ask for 900 seconds or less, and renew within them.',
  },
  merged_value_required: {
    status: 422,
    meaning: '`merge` needs a `merged_value`.',
    remedy: 'Send `merged_value.counted_qty`.',
  },
  rate_limited: {
    status: 429,
    meaning: 'Too many requests from this user or address.',
    remedy: 'Wait the seconds of `Retry-After`.',
  },
  internal_error: {
    status: 500,
    meaning: 'A fault of the server; it is in its log under the request id.',
    remedy: 'Try again; report it with the time when it stays.',
  },
  unavailable: {
    status: 503,
    meaning: 'A dependency is away or too much is waiting.',
    remedy: 'Wait the seconds of `Retry-After`; nothing was stored.',
  },
} as const satisfies Record<string, { status: number; meaning: string; remedy: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;
