// One command as it goes through the gateway, and the names that all commands share.
import type { Socket } from 'node:net';
import { asDoc, type Doc, encode, isFalse } from './documents.ts';
import type { Queryable } from './postgres-pools.ts';
import type { OpenTransaction } from './transactions.ts';

export interface Command {
  readonly name: string;
  readonly body: Doc;
  /** The body as it came, for cheap searches before anything is decoded or rewritten. */
  readonly raw: Buffer;
  /** Document sequences by field: `documents`, `updates` or `deletes`, still encoded. */
  readonly sequences: ReadonlyMap<string, Buffer>;
  readonly database: string;
  readonly socket: Socket;
  readonly connectionId: number;
}

/** Where a command runs: on any plain connection, or on the one of its transaction. */
export interface Target {
  readonly client: Queryable;
  readonly transaction: OpenTransaction | null;
}

/** A reply, encoded by the engine or still to be encoded. */
export type Reply = Buffer | Doc;

// Fields for the server, not for the engine, which refuses those that it does not know.
const ENVELOPE = new Set([
  '$db',
  'lsid',
  '$clusterTime',
  '$readPreference',
  'txnNumber',
  'autocommit',
  'startTransaction',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
  'writeConcern',
  'readConcern',
  'maxTimeMS',
]);

/** A command's body as the engine takes it. */
export function specOf(body: Doc): Buffer {
  return encode(Object.fromEntries(Object.entries(body).filter(([field]) => !ENVELOPE.has(field))));
}

export function collectionOf(command: Command): string {
  return String(command.body[command.name]);
}

/** The session's id as a key, or null for a command without a session. */
export function sessionKey(body: Doc): string | null {
  return body['lsid'] === undefined ? null : sessionIdKey(body['lsid']);
}

export function sessionIdKey(lsid: unknown): string {
  const id = asDoc(lsid)['id'] as { buffer?: Uint8Array } | undefined;
  return Buffer.from(id?.buffer ?? []).toString('hex');
}

export function isInTransaction(body: Doc): boolean {
  return isFalse(body['autocommit']);
}

/** The id under which the engine remembers a single-document write, null where none is to be remembered. */
export function retryId(body: Doc, target: Target): string | null {
  const isRetryable = body['txnNumber'] !== undefined && target.transaction === null;
  return isRetryable ? `${sessionKey(body)}|${body['txnNumber']}` : null;
}
