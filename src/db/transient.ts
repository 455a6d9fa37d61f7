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

const CONTENTION_CODES: readonly unknown[] = [LOCK_TIMEOUT, WRITE_CONFLICT, NO_SUCH_TRANSACTION];
const SLOWNESS_CODES: readonly unknown[] = [MAX_TIME_MS_EXPIRED, EXCEEDED_TIME_LIMIT];

/**
 * Whether the same work may succeed later without anybody's help: the database was away, slow, or others
 * wrote at the same time. Everything else is a fault of the work itself.
 */
export function isTransient(error: unknown): boolean {
  if (isAway(error) || isSlow(error) || isContention(error)) return true;
  return error instanceof MongoError && TRANSIENT_LABELS.some((label) => error.hasErrorLabel(label));
}

/**
 * Whether the database answered, and only others who wrote the same rows stood in the way: trying again helps
 * once they are through. MongoDB tells a transaction of that at once; a limit of time that was met tells of a
 * slow server, to everybody. A change of the primary is none of it.
 */
export function isContention(error: unknown): boolean {
  if (error instanceof TransactionGaveUp) return !isAway(error.cause);
  if (error instanceof LineMoved) return true;
  return hasCode(error, CONTENTION_CODES);
}

const isSlow = (error: unknown): boolean => hasCode(error, SLOWNESS_CODES);

const hasCode = (error: unknown, codes: readonly unknown[]): boolean =>
  error instanceof MongoServerError && codes.includes(error.code);
