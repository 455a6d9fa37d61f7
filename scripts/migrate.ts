// npm run migrate: gives documents that were there before the engine the fields they lack.
import { SingleBar } from 'cli-progress';
import { ConfigError, loadConfig } from '../src/config/config.ts';
import type { Database } from '../src/db/database.ts';
import { MIGRATIONS, type Migration } from '../src/db/migrations/migrations.ts';
import {
  type MigrationProgress,
  previewMigration,
  runMigration,
} from '../src/db/migrations/run-migration.ts';
import { reachMongo } from '../src/jobs/reach-servers.ts';
import { runScript, UsageError } from './cli.ts';

const USAGE = `
Gives documents that were there before the engine the fields they lack. Values that are there stay.
Can be run at any time and as often as you like: a further run does only what is left.

  npm run migrate [-- --users] [-- --dry-run]

  (always)      count sessions: offline_created false, sync_status synced, conflict_items []
  --users       also users: password_changed_at, pin_changed_at, last_failed_auth_at null,
                failed_auth_attempts 0. The users belong to the app that signs people in: ask its owner first.
  --dry-run     only count the documents

The database is that of MONGODB_URL, the sessions are those of COUNT_SESSIONS_COLLECTION.
`;

await runScript({
  name: 'npm run migrate --',
  usage: USAGE,
  options: {
    users: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  },
  run: async (flags) => {
    const wanted = MIGRATIONS.filter((migration) => flags.users || !migration.byRequestOnly);
    const database = await connect();
    try {
      for (const migration of wanted) await (flags['dry-run'] ? preview : migrate)(database, migration);
    } finally {
      await database.client.close();
    }
    return 0;
  },
});

async function connect(): Promise<Database> {
  const config = readConfig();
  return reachMongo({
    url: config.mongodbUrl,
    dbName: config.mongodbDb,
    sessionsCollection: config.sessionsCollection,
    appName: 'stock-verify-migrate',
  });
}

function readConfig() {
  try {
    return loadConfig();
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.problems.join('; '));
    throw error;
  }
}

async function preview(database: Database, migration: Migration): Promise<void> {
  const documents = await previewMigration(database, migration);
  console.log(lineOf(database, migration, `${inDigits(documents)} documents would be filled`));
}

async function migrate(database: Database, migration: Migration): Promise<void> {
  const startedAt = performance.now();
  const progress = process.stdout.isTTY ? progressBar() : progressLines(migration);
  const changed = await runMigration(database, migration, progress.show).finally(progress.end);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(lineOf(database, migration, `${inDigits(changed)} documents filled in ${seconds} s`));
}

interface Progress {
  show: (progress: MigrationProgress) => void;
  end: () => void;
}

function progressBar(): Progress {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} documents, {eta_formatted} left',
    clearOnComplete: true,
  });
  return {
    show: ({ changed, total }) => {
      if (!bar.isActive) bar.start(total, changed);
      bar.update(changed);
    },
    end: () => bar.stop(),
  };
}

function progressLines(migration: Migration): Progress {
  return {
    show: ({ changed, total }) => {
      if (changed > 0) console.log(`${migration.id}  ${inDigits(changed)} of ${inDigits(total)}`);
    },
    end: () => {},
  };
}

function lineOf(database: Database, migration: Migration, what: string): string {
  return `${migration.id.padEnd(28)} ${migration.collection(database).collectionName.padEnd(16)} ${what}`;
}

function inDigits(count: number): string {
  return count.toLocaleString('en');
}
