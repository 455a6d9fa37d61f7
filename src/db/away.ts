import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';

/** The database went away in the middle of a transaction and again in its next run (db/transaction.ts). */
export class DatabaseAway extends Error {
  override name = 'DatabaseAway';
}

/** Whether the database could not be reached: other work would meet the same. */
export const isAway = (error: unknown): boolean =>
  error instanceof DatabaseAway ||
  error instanceof MongoNetworkError ||
  error instanceof MongoServerSelectionError;
