// From a command's name to what runs. Three kinds: about the server and its sessions, definitions, and the
// reads and writes that may belong to a transaction.
import type { Command, Reply, Target } from './command.ts';
import { isInTransaction, specOf } from './command.ts';
import { Cursors } from './cursors.ts';
import { Definitions } from './definitions.ts';
import { asDoc, type Doc } from './documents.ts';
import { hasWriteErrors } from './duplicate-keys.ts';
import { asCommandError, CommandError, isConnectionLost } from './errors.ts';
import { bytesOf, type Pools, queryRow } from './postgres-pools.ts';
import * as reads from './reads.ts';
import { buildInfo, hello, type Identity, replicaSetStatus, serverStatus } from './server-info.ts';
import { withTimeLimit } from './time-limit.ts';
import { Transactions } from './transactions.ts';
import { UpsertTurns } from './upserts.ts';
import * as writes from './writes.ts';

export interface Engine {
  readonly pools: Pools;
  readonly identity: Identity;
  readonly cursors: Cursors;
  readonly transactions: Transactions;
  readonly upserts: UpsertTurns;
  readonly definitions: Definitions;
  /** Ends the process, after the answer to `shutdown` is out. */
  readonly shutDown: () => void;
}

export interface EngineOptions {
  readonly transactionLifetimeMs?: number | undefined;
  readonly shutDown: () => void;
}

export function createEngine(pools: Pools, identity: Identity, options: EngineOptions): Engine {
  const cursors = new Cursors();
  return {
    pools,
    identity,
    cursors,
    transactions: new Transactions(
      pools.transactions,
      (id) => cursors.forget(id),
      options.transactionLifetimeMs,
    ),
    upserts: new UpsertTurns(pools.plain),
    definitions: new Definitions(pools),
    shutDown: options.shutDown,
  };
}

/** Runs one command. Rejects with a CommandError or with an error of PostgreSQL's. */
export async function runCommand(engine: Engine, command: Command): Promise<Reply> {
  const serverReply = runServerCommand(engine, command);
  if (serverReply !== undefined) return serverReply;
  refuseSnapshotOutsideTransaction(command.body);

  const transaction = await engine.transactions.enter(command);
  const definition = engine.definitions.run(command) ?? runStatistics(engine, command);
  if (definition !== undefined) return definition;

  const limitMs = Number(command.body['maxTimeMS'] ?? 0);
  const target: Target = { client: transaction?.client ?? engine.pools.plain, transaction };
  try {
    const reply = await withTimeLimit(limitMs, target, engine.pools, (own) =>
      runOperation(engine, command, own),
    );
    // MongoDB: any error inside a transaction aborts all of it, a write error in an "ok" reply too.
    if (transaction && Buffer.isBuffer(reply) && hasWriteErrors(reply)) {
      await engine.transactions.rollBack(transaction);
    }
    return reply;
  } catch (error) {
    if (!transaction) throw error;
    transaction.lost ||= isConnectionLost(error);
    await engine.transactions.rollBack(transaction);
    throw asCommandError(error, true);
  }
}

function runServerCommand(
  engine: Engine,
  { name, body, connectionId }: Command,
): Promise<Reply> | Reply | undefined {
  switch (name) {
    case 'hello':
    case 'isMaster':
    case 'ismaster':
      return hello(engine.identity, connectionId);
    case 'ping':
    case 'refreshSessions':
    case 'logout':
    case 'replSetInitiate':
      return { ok: 1 };
    case 'endSessions':
    case 'killSessions':
      return engine.transactions.endSessions(body[name]);
    case 'commitTransaction':
      return engine.transactions.commit(body);
    case 'abortTransaction':
      return engine.transactions.abort(body);
    case 'killCursors':
      return engine.cursors.kill(body, engine.pools);
    case 'buildInfo':
    case 'buildinfo':
      return buildInfo();
    case 'replSetGetStatus':
      return replicaSetStatus(engine.identity);
    case 'getParameter':
      return { featureCompatibilityVersion: { version: '7.0' }, ok: 1 };
    case 'serverStatus':
      return serverStatus();
    case 'connectionStatus':
      return { authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] }, ok: 1 };
    case 'shutdown':
      engine.shutDown();
      return { ok: 1 };
  }
  return undefined;
}

function runStatistics({ pools }: Engine, { name, body, database }: Command): Promise<Reply> | undefined {
  const answer = async (statement: string, values: unknown[]) =>
    bytesOf((await queryRow(pools.plain, statement, values))[0]);
  switch (name) {
    case 'listDatabases':
      return answer('SELECT documentdb_api.list_databases($1::bytea::documentdb_core.bson)::bytea', [
        specOf(body),
      ]);
    case 'collStats':
      return answer('SELECT documentdb_api.coll_stats($1, $2)::bytea', [database, body['collStats']]);
    case 'dbStats':
      return answer('SELECT documentdb_api.db_stats($1)::bytea', [database]);
  }
  return undefined;
}

async function runOperation(engine: Engine, command: Command, target: Target): Promise<Reply> {
  const { cursors, upserts } = engine;
  switch (command.name) {
    case 'insert':
      return writes.insert(command, target);
    case 'update':
      return writes.update(command, target, upserts);
    case 'delete':
      return writes.remove(command, target);
    case 'findAndModify':
    case 'findandmodify':
      return writes.findAndModify(command, target, upserts);
    case 'find':
      return reads.find(command, target, cursors);
    case 'aggregate':
      return reads.aggregate(command, target, cursors);
    case 'getMore':
      return cursors.nextPage(command, target);
    case 'count':
      return reads.count(command, target);
    case 'distinct':
      return reads.distinct(command, target);
    case 'listCollections':
      return reads.listCollections(command, target, cursors);
    case 'listIndexes':
      return reads.listIndexes(command, target, cursors);
  }
  throw new CommandError(59, `no such command: '${command.name}'`);
}

// Each plain command runs on a connection of its own: several reads cannot share a snapshot. Better refused
// than silently not a snapshot.
function refuseSnapshotOutsideTransaction(body: Doc): void {
  if (asDoc(body['readConcern'])['level'] === 'snapshot' && !isInTransaction(body)) {
    throw new CommandError(72, 'snapshot reads outside a transaction are not supported here');
  }
}
