import { MongoServerError } from 'mongodb';

/** The code of MongoDB's duplicate key error. */
export const DUPLICATE_KEY = 11_000;

/** Whether a unique index refused the write. Told by the code alone: servers word the message differently. */
export const isDuplicateKey = (error: unknown): error is MongoServerError =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/**
 * Runs a single upsert once more when it met a duplicate key: MongoDB may let two upserts of one key both
 * try to insert, and the loser finds the winner's row on its second try.
 */
export async function onceMoreOnDuplicate<T>(upsert: () => Promise<T>): Promise<T> {
  try {
    return await upsert();
  } catch (error) {
    if (isDuplicateKey(error)) return upsert();
    throw error;
  }
}

/**
 * Marks a duplicate key as transient, so that the driver runs the whole transaction again: its next snapshot
 * shows the row that somebody inserted meanwhile.
 */
export async function rerunOnDuplicate<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isDuplicateKey(error)) error.addErrorLabel('TransientTransactionError');
    throw error;
  }
}
