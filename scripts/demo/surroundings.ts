// Everything that must be there before the story, and gone after it: servers, a fresh database, the engine.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { connectDatabase, type Database } from '../../src/db/database.ts';
import { type EngineProcess, startEngineProcess } from '../../tools/processes/engine-process.ts';
import { startServices } from '../../tools/services/start-services.ts';
import { Interrupted } from './interruption.ts';
import { step, withSpinner } from './say.ts';

export interface Surroundings {
  database: Database;
  databaseName: string;
  mongoUrl: string;
  engine: EngineProcess;
  jwtSecret: string;
  /** For the phones' files. */
  folder: string;
  logFile: string;
}

type Step = () => Promise<unknown> | unknown;

/** Undone in reverse order, each once, also those behind one that failed. */
export interface Undo {
  /** Once everything is undone there is nothing to add to: undoes at once, and throws. */
  add(what: string, step: Step): void;
  all(): Promise<void>;
  /** Throws once everything is undone: what comes next has nothing to stand on. */
  check(): void;
}

export function createUndo(): Undo {
  const steps: { what: string; step: Step }[] = [];
  let isOver = false;

  async function run(what: string, step: Step): Promise<void> {
    try {
      await step();
    } catch (error) {
      console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  return {
    add: (what, step) => {
      if (isOver) {
        void run(what, step);
        throw new Interrupted(what);
      }
      steps.push({ what, step });
    },
    all: async () => {
      isOver = true;
      for (let next = steps.pop(); next; next = steps.pop()) await run(next.what, next.step);
    },
    check: () => {
      if (isOver) throw new Interrupted('it is over');
    },
  };
}

/** What the end of the demo leaves behind; decided on the way. */
export interface Leftovers {
  data: boolean;
  log: boolean;
}

export async function bringUp(timezone: string, undo: Undo, leave: Leftovers): Promise<Surroundings> {
  // Undone also when it is interrupted half-way: then what was begun is waited for.
  const starting = startServices({ report: (message) => step('services', message) });
  undo.add('stopping the servers', () => starting.then((begun) => begun.stop(), nothing));
  const services = await withSpinner(() => starting);

  const folder = mkdtempSync(join(tmpdir(), 'stock-verify-demo-'));
  const logFile = join(folder, 'engine.log');
  undo.add('removing the phones', () => {
    if (!leave.log) rmSync(folder, { recursive: true, force: true });
  });

  const run = randomBytes(4).toString('hex');
  const databaseName = `stock_verify_demo_${run}`;
  const redisPrefix = `{demo-${run}}`;
  const database = await connectDatabase({ url: services.mongoUrl, dbName: databaseName });
  undo.add('dropping the database', async () => {
    // Closed first, and dropped on another connection: a write under way would bring the database back.
    await database.client.close(true);
    if (leave.data) return;
    await dropDatabase(services.mongoUrl, databaseName);
    await removeKeys(services.redisUrl, redisPrefix);
  });

  const jwtSecret = randomBytes(32).toString('hex');
  const settings = { ...services, databaseName, redisPrefix, jwtSecret, timezone };
  const startingEngine = startEngineProcess(settings, logFile);
  undo.add('stopping the engine', () => startingEngine.then((begun) => begun.stop(), nothing));
  const engine = await withSpinner(() => startingEngine).catch((error: Error) => {
    leave.log = true;
    throw new EngineNotReady(`${error.message}; its log: ${logFile}`);
  });
  undo.check();
  step('engine', `src/main.ts at ${engine.url}, database ${databaseName}, time zone ${timezone}`);
  return { database, databaseName, mongoUrl: services.mongoUrl, engine, jwtSecret, folder, logFile };
}

const nothing = (): void => {};

export class EngineNotReady extends Error {
  override readonly name = 'EngineNotReady';
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const { client, db } = await connectDatabase({ url, dbName: name });
  try {
    await db.dropDatabase();
  } finally {
    await client.close();
  }
}

/** The queues' and the stream's keys; nothing in Redis outlives the demo. */
async function removeKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 500 })) {
      if ((keys as string[]).length > 0) await redis.unlink(keys as string[]);
    }
  } finally {
    redis.disconnect();
  }
}
