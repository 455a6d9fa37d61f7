import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb';

/** The database went away in the middle of a transaction and again in its next run (db/transaction.ts). */
export class DatabaseAway extends Error {
  override name = 'DatabaseAway';
}

const AWAY = [
  DatabaseAway,
  MongoNetworkError,
  MongoServerSelectionError,
  // While the client connects anew (db/reviving-client.ts).
  MongoTopologyClosedError,
  MongoNotConnectedError,
  MongoClientClosedError,
];

/**
 * Whether the database could not be reached: other work would meet the same. `insertMany` and `bulkWrite`
 * wrap what the network said, and when many connections break at once without any label of the driver.
 */
export function isAway(error: unknown): boolean {
  if (error instanceof MongoBulkWriteError) return isAway(error.errorResponse);
  return AWAY.some((kind) => error instanceof kind);
}
