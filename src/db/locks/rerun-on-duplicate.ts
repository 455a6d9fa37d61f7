import { MongoServerError } from 'mongodb';

const DUPLICATE_KEY = 11_000;

/**
 * Marks a duplicate key as transient, so that `inTransaction` reruns the whole transaction: MongoDB may let
 * two upserts of one key both try to insert, and the loser is right on its next run. A duplicate that stays
 * ends in TransactionGaveUp after 20 runs.
 */
export async function rerunOnDuplicate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) {
      error.addErrorLabel('TransientTransactionError');
    }
    throw error;
  }
}
