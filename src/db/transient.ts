import { MongoError, MongoServerError } from 'mongodb';
import { isAway } from './away.ts';
import { LineMoved } from './sync/lines.ts';
import { TransactionGaveUp } from './transaction.ts';

const TRANSIENT_LABELS = [
  'TransientTransactionError',
  'UnknownTransactionCommitResult',
  'RetryableWriteError',
];

const LOCK_TIMEOUT = 24;
const MAX_TIME_MS_EXPIRED = 50;
const WRITE_CONFLICT = 112;
const NO_SUCH_TRANSACTION = 251;
const EXCEEDED_TIME_LIMIT = 262;

const CONTENTION_CODES: readonly unknown[] = [
  LOCK_TIMEOUT,
  MAX_TIME_MS_EXPIRED,
  WRITE_CONFLICT,
  NO_SUCH_TRANSACTION,
  EXCEEDED_TIME_LIMIT,
];

/**
 * Whether the same work may succeed later without anybody's help: the database was away, slow, or others
 * wrote at the same time. Everything else is a fault of the work itself.
 */
export function isTransient(error: unknown): boolean {
  if (isAway(error) || isContention(error)) return true;
  return error instanceof MongoError && TRANSIENT_LABELS.some((label) => error.hasErrorLabel(label));
}

/**
 * Whether the database answered, and only others who wrote the same rows, or its limit of time, stood in the
 * way: trying again helps once they are through. A change of the primary is none of it.
 */
export function isContention(error: unknown): boolean {
  if (error instanceof TransactionGaveUp) return !isAway(error.cause);
  if (error instanceof LineMoved) return true;
  return error instanceof MongoServerError && CONTENTION_CODES.includes(error.code);
}
