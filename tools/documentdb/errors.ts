// What a driver may do about an error is written in its labels, so each error gets the labels that MongoDB
// would send: rerun the transaction, repeat the write, or ask again whether the commit happened.
import type { Doc } from './documents.ts';
import { codeOfSqlState, nameOfCode } from './error-codes.ts';

export const TRANSIENT = 'TransientTransactionError';
const RETRYABLE = 'RetryableWriteError';
const UNKNOWN_COMMIT = 'UnknownTransactionCommitResult';

const WRITE_CONFLICT = 112;
const DUPLICATE_KEY = 11000;
const SHUTDOWN_IN_PROGRESS = 91;

/** An error as MongoDB would report it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: number;
  readonly labels: readonly string[];
  readonly details: Doc;

  constructor(code: number, message: string, labels: readonly string[] = [], details: Doc = {}) {
    super(message);
    this.code = code;
    this.labels = labels;
    this.details = details;
  }

  toReply(): Doc {
    const labels = this.labels.length > 0 ? { errorLabels: this.labels } : {};
    const { code, message, details } = this;
    return { ok: 0, errmsg: message, code, codeName: nameOfCode(code), ...labels, ...details };
  }
}

export function noSuchTransaction(number: string): CommandError {
  const message = `Given transaction number ${number} does not match any in-progress transactions.`;
  return new CommandError(251, message, [TRANSIENT]);
}

export function writeConflict(message: string, inTransaction: boolean): CommandError {
  return new CommandError(WRITE_CONFLICT, message, [inTransaction ? TRANSIENT : RETRYABLE]);
}

/** The connection broke while COMMIT was under way: nobody knows whether it happened. */
export function commitResultUnknown(error: Error): CommandError {
  return new CommandError(SHUTDOWN_IN_PROGRESS, error.message, [UNKNOWN_COMMIT, RETRYABLE]);
}

/** Translates whatever was thrown while a command ran. */
export function asCommandError(error: unknown, inTransaction: boolean): CommandError {
  if (error instanceof CommandError) return error;
  const { message } = error instanceof Error ? error : new Error(String(error));
  const retryLabel = inTransaction ? TRANSIENT : RETRYABLE;
  if (isConnectionLost(error)) return new CommandError(SHUTDOWN_IN_PROGRESS, message, [retryLabel]);

  const sqlState = sqlStateOf(error);
  const code = codeOfSqlState(sqlState ?? '') ?? 1;
  if (code === WRITE_CONFLICT) return writeConflict(message, inTransaction);
  const index = code === DUPLICATE_KEY ? indexNameIn(message) : undefined;
  if (index !== undefined) {
    const details = index === '_id_' ? { keyPattern: { _id: 1 } } : {};
    return new CommandError(code, `E11000 duplicate key error index: ${index}`, [], details);
  }
  return new CommandError(code, message, [], sqlState ? { sqlstate: sqlState } : {});
}

export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The engine names the index of a duplicate key only in the text of its message. */
export function indexNameIn(message: string): string | undefined {
  return /Index '(.+)'/.exec(message)?.[1];
}

/** True when PostgreSQL's process behind a connection is gone; such a connection is never used again. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof CommandError || !(error instanceof Error)) return false;
  if (/^(57P|08|ECONN|EPIPE)/.test(sqlStateOf(error) ?? '')) return true;
  // pg gives these states no code.
  return /connection terminated|not queryable|client was closed|connection error/i.test(error.message);
}

export function isWriteConflict(error: unknown): boolean {
  if (error instanceof CommandError) return error.code === WRITE_CONFLICT;
  return codeOfSqlState(sqlStateOf(error) ?? '') === WRITE_CONFLICT;
}
