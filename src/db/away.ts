import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoExpiredSessionError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb';

/** A transaction met no database in two runs, or its client connected anew meanwhile (db/transaction.ts). */
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
  // A command's own session too is ended then, while it waits for a connection or is tried again.
  MongoExpiredSessionError,
];

// A write that waits for room in its socket is told of the socket's own error, which the driver passes on as it is.
const SOCKET_CODES: readonly unknown[] = [
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
];

/**
 * Whether the database could not be reached: other work would meet the same. `insertMany` and `bulkWrite`
 * wrap what the network said, and when many connections break at once without any label of the driver.
 */
export function isAway(error: unknown): boolean {
  if (error instanceof MongoBulkWriteError) return isAway(error.errorResponse);
  if (AWAY.some((kind) => error instanceof kind)) return true;
  return error instanceof Error && (isSocketError(error) || isCommitCutOff(error));
}

const isSocketError = (error: Error): boolean => 'code' in error && SOCKET_CODES.includes(error.code);

/** The driver (7.9) asks such an error of a commit for its labels, which only its own errors have. */
const isCommitCutOff = (error: Error): boolean =>
  error instanceof TypeError && error.message.includes('hasErrorLabel is not a function');
