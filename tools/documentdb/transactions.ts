// Multi-document transactions: one PostgreSQL transaction each, as strict as MongoDB's. Whatever ends the
// client (its socket, its session, its patience of a minute) ends the transaction, or its row locks would
// stay and every other writer of those documents would wait for ever.
import type { Socket } from 'node:net';
import type pg from 'pg';
import { type Command, isInTransaction, sessionIdKey, sessionKey } from './command.ts';
import { asDocs, type Doc } from './documents.ts';
import { CommandError, commitResultUnknown, noSuchTransaction, sqlStateOf, TRANSIENT } from './errors.ts';
import { LimitedMap } from './limited-map.ts';

/** MongoDB's transactionLifetimeLimitSeconds. */
export const DEFAULT_LIFETIME_MS = 60_000;
const REMEMBERED_COMMITS = 10_000;

// MongoDB allows `create` and `createIndexes` on new collections; here they are refused as well, because the
// engine runs them on a connection of its own, outside the transaction.
const REFUSED = new Set([
  'create',
  'createIndexes',
  'dropIndexes',
  'drop',
  'dropDatabase',
  'collMod',
  'renameCollection',
  'listCollections',
  'listIndexes',
  'listDatabases',
  'count',
  'collStats',
  'dbStats',
]);
const REFUSED_STAGES = [
  '$out',
  '$merge',
  '$unionWith',
  '$changeStream',
  '$collStats',
  '$indexStats',
  '$currentOp',
  '$listSessions',
  '$planCacheStats',
];

export interface OpenTransaction {
  readonly key: string;
  readonly number: string;
  readonly client: pg.PoolClient;
  readonly cursors: Set<string>;
  readonly sockets: Set<Socket>;
  readonly expiry: NodeJS.Timeout;
  readonly onClientError: () => void;
  /** PostgreSQL's process behind it is gone. */
  lost: boolean;
  ended: boolean;
}

export class Transactions {
  readonly #pool: pg.Pool;
  readonly #forgetCursor: (id: string) => void;
  readonly #lifetimeMs: number;
  readonly #open = new Map<string, OpenTransaction>();
  readonly #committed = new LimitedMap<string>(REMEMBERED_COMMITS);

  constructor(pool: pg.Pool, forgetCursor: (id: string) => void, lifetimeMs = DEFAULT_LIFETIME_MS) {
    this.#pool = pool;
    this.#forgetCursor = forgetCursor;
    this.#lifetimeMs = lifetimeMs;
  }

  /** The transaction that the command belongs to; begun when the command says so; null outside of any. */
  async enter(command: Command): Promise<OpenTransaction | null> {
    const { body } = command;
    if (!isInTransaction(body)) return null;
    const key = sessionKey(body) ?? '';
    const number = String(body['txnNumber']);
    if (body['startTransaction']) await this.#begin(key, number);

    const transaction = this.#open.get(key);
    if (transaction?.number !== number) throw noSuchTransaction(number);
    transaction.sockets.add(command.socket);
    if (isRefused(command)) {
      await this.rollBack(transaction);
      throw new CommandError(263, `Cannot run '${command.name}' in a multi-document transaction.`);
    }
    return transaction;
  }

  async commit(body: Doc): Promise<Doc> {
    const key = sessionKey(body) ?? '';
    const number = String(body['txnNumber']);
    const transaction = this.#open.get(key);
    if (transaction?.number !== number) {
      // A driver repeats a commit whose answer it lost: the second one succeeds as well.
      if (this.#committed.get(key) === number) return { ok: 1 };
      throw noSuchTransaction(number);
    }
    try {
      await this.#finish(transaction, 'COMMIT');
    } catch (error) {
      if (error instanceof CommandError || sqlStateOf(error) !== undefined) throw error;
      throw commitResultUnknown(error as Error);
    }
    this.#committed.set(key, number);
    return { ok: 1 };
  }

  async abort(body: Doc): Promise<Doc> {
    const number = String(body['txnNumber']);
    const transaction = this.#open.get(sessionKey(body) ?? '');
    if (transaction?.number !== number) throw noSuchTransaction(number);
    await this.#finish(transaction, 'ROLLBACK');
    return { ok: 1 };
  }

  /** Ends what the sessions (`lsid` documents) had open. */
  async endSessions(sessions: unknown): Promise<Doc> {
    for (const session of asDocs(sessions)) {
      const key = sessionIdKey(session);
      this.#committed.delete(key);
      const transaction = this.#open.get(key);
      if (transaction) await this.rollBack(transaction);
    }
    return { ok: 1 };
  }

  /** A transaction may move between sockets of one client; it ends with the last of them. */
  socketClosed(socket: Socket): void {
    for (const transaction of this.#open.values()) {
      if (transaction.sockets.delete(socket) && transaction.sockets.size === 0)
        void this.rollBack(transaction);
    }
  }

  /** Never throws: a rollback that fails means that the connection is gone, and the transaction with it. */
  async rollBack(transaction: OpenTransaction): Promise<void> {
    await this.#finish(transaction, 'ROLLBACK').catch(() => {});
  }

  async #begin(key: string, number: string): Promise<void> {
    const unfinished = this.#open.get(key);
    if (unfinished) await this.rollBack(unfinished);
    const client = await this.#connect();
    const transaction: OpenTransaction = {
      key,
      number,
      client,
      cursors: new Set(),
      sockets: new Set(),
      expiry: setTimeout(() => void this.rollBack(transaction), this.#lifetimeMs).unref(),
      onClientError: () => {
        transaction.lost = true;
      },
      lost: false,
      ended: false,
    };
    client.on('error', transaction.onClientError);
    this.#open.set(key, transaction);
    this.#committed.delete(key);
    // REPEATABLE READ is what MongoDB calls a snapshot: it also makes a write conflict an error (40001).
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CommandError(24, `no connection is free for one more transaction: ${reason}`, [TRANSIENT]);
    }
  }

  async #finish(transaction: OpenTransaction, statement: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (transaction.ended) return;
    transaction.ended = true;
    if (this.#open.get(transaction.key) === transaction) this.#open.delete(transaction.key);
    clearTimeout(transaction.expiry);
    for (const cursor of transaction.cursors) this.#forgetCursor(cursor);
    let isBroken = transaction.lost;
    try {
      if (isBroken) throw new Error('the server closed the connection of this transaction');
      const { command } = await transaction.client.query(statement);
      // PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed.
      if (statement === 'COMMIT' && command !== 'COMMIT') throw noSuchTransaction(transaction.number);
    } catch (error) {
      isBroken ||= !(error instanceof CommandError);
      throw error;
    } finally {
      transaction.client.off('error', transaction.onClientError);
      transaction.client.release(isBroken);
    }
  }
}

function isRefused({ name, body }: Command): boolean {
  if (REFUSED.has(name)) return true;
  if (name !== 'aggregate') return false;
  return asDocs(body['pipeline']).some((stage) => REFUSED_STAGES.some((refused) => refused in stage));
}
