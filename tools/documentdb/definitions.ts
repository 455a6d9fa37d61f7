// Collections and indexes. Definitions of one collection take turns: eight clients that create the same
// indexes at once deadlock in PostgreSQL. Some deadlocks and races remain (with other gateways, with running
// transactions); those are repeated.

import { setTimeout as sleep } from 'node:timers/promises';
import { EJSON } from 'bson';
import { type Command, collectionOf, type Reply, specOf } from './command.ts';
import type { Doc } from './documents.ts';
import { CommandError, sqlStateOf } from './errors.ts';
import { bytesOf, type Pools, queryRow } from './postgres-pools.ts';

const MAX_ATTEMPTS = 6;
// Deadlock, serialization, internal (a table dropped under the statement), lock timeout, and the two ways in
// which a table or its catalogue row already exists.
const REPEATED_STATES = new Set(['40P01', '40001', 'XX000', '55P03', '23505', '42P07']);

type Definition = (command: Command, pools: Pools) => Promise<Reply>;

export class Definitions {
  readonly #pools: Pools;
  readonly #lastInLine = new Map<string, Promise<unknown>>();

  constructor(pools: Pools) {
    this.#pools = pools;
  }

  /** Runs the command when it defines something; undefined when it is another kind of command. */
  run(command: Command): Promise<Reply> | undefined {
    const define = definitions.get(command.name);
    if (!define) return undefined;
    const line =
      command.name === 'dropDatabase' ? command.database : `${command.database}.${collectionOf(command)}`;
    const work = () => repeated(() => define(command, this.#pools));
    const mine = (this.#lastInLine.get(line) ?? Promise.resolve()).then(work, work);
    this.#lastInLine.set(line, mine);
    const leave = () => {
      if (this.#lastInLine.get(line) === mine) this.#lastInLine.delete(line);
    };
    mine.then(leave, leave);
    return mine;
  }
}

// Waits of 20, 40, 80 … ms: 0.6 s in all.
async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !REPEATED_STATES.has(sqlStateOf(error) ?? '')) throw error;
    }
    await sleep(10 * 2 ** attempt);
  }
}

const definitions = new Map<string, Definition>([
  ['create', create],
  ['createIndexes', createIndexes],
  ['dropIndexes', dropIndexes],
  ['collMod', modify],
  ['drop', drop],
  ['dropDatabase', dropDatabase],
]);

async function create(command: Command, { plain }: Pools): Promise<Reply> {
  const statement =
    'SELECT documentdb_api.create_collection_view($1, $2::bytea::documentdb_core.bson)::bytea';
  return bytesOf((await queryRow(plain, statement, [command.database, specOf(command.body)]))[0]);
}

// Built at once, not by the engine's background job, which needs a second or two per index.
async function createIndexes(command: Command, { plain }: Pools): Promise<Reply> {
  const statement =
    'SELECT documentdb_api_internal.create_indexes_non_concurrently($1, $2::bytea::documentdb_core.bson, true)::bytea';
  return bytesOf((await queryRow(plain, statement, [command.database, specOf(command.body)]))[0]);
}

// The procedure's answer is of type bson without a cast in CALL: it arrives in the type's own text form.
async function dropIndexes(command: Command, { plain }: Pools): Promise<Reply> {
  const statement = 'CALL documentdb_api_v2.drop_indexes($1, $2::bytea::documentdb_core.bson, NULL)';
  const [answer] = await queryRow(plain, statement, [command.database, specOf(command.body)]);
  const text = answer ?? '{}';
  return text.startsWith('BSONHEX') ? Buffer.from(text.slice(7), 'hex') : (EJSON.parse(text) as Doc);
}

async function modify(command: Command, { plain }: Pools): Promise<Reply> {
  const statement = 'SELECT documentdb_api.coll_mod($1, $2, $3::bytea::documentdb_core.bson)::bytea';
  const values = [command.database, collectionOf(command), specOf(command.body)];
  return bytesOf((await queryRow(plain, statement, values))[0]);
}

async function drop(command: Command, { plain }: Pools): Promise<Reply> {
  const collection = collectionOf(command);
  const [dropped] = await queryRow(plain, 'SELECT documentdb_api.drop_collection($1, $2)', [
    command.database,
    collection,
  ]);
  if (dropped !== 't') throw new CommandError(26, 'ns not found');
  return { ns: `${command.database}.${collection}`, ok: 1 };
}

async function dropDatabase(command: Command, { plain }: Pools): Promise<Reply> {
  await queryRow(plain, 'SELECT documentdb_api.drop_database($1)', [command.database]);
  return { dropped: command.database, ok: 1 };
}
