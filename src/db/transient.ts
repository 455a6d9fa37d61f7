import { MongoError, MongoNetworkError, MongoServerSelectionError } from 'mongodb';
import { LineMoved } from './sync/lines.ts';
import { TransactionGaveUp } from './transaction.ts';

const TRANSIENT_LABELS = [
  'TransientTransactionError',
  'UnknownTransactionCommitResult',
  'RetryableWriteError',
];
const MAX_TIME_MS_EXPIRED = 50;

/**
 * Whether the same work may succeed later without anybody's help: the database was away, slow, or others
 * wrote at the same time. Everything else is a fault of the work itself.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof TransactionGaveUp || error instanceof LineMoved) return true;
  return (
    isAway(error) ||
    (error instanceof MongoError &&
      (error.code === MAX_TIME_MS_EXPIRED || TRANSIENT_LABELS.some((label) => error.hasErrorLabel(label))))
  );
}

/** Whether the database could not be reached: other work would meet the same. */
export const isAway = (error: unknown): boolean =>
  error instanceof MongoNetworkError || error instanceof MongoServerSelectionError;
