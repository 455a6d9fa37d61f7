import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { countMissing, fillMissing } from './fill-missing.ts';
import type { Migration } from './migrations.ts';

/** What is known of a migration's runs; one document each in `engine_migrations`. */
export interface MigrationRecord {
  /** The migration's id. */
  _id: string;
  /** The collection of the last run; that of the sessions is configurable. */
  collection: string;
  first_run_at: Date;
  last_run_at: Date;
  runs: number;
  /** Documents changed over all runs. */
  documents_changed: number;
}

export interface MigrationProgress {
  changed: number;
  /** As counted before the first batch. */
  total: number;
}

/**
 * Runs a migration and records it. A migration that ran before runs again: the deployed app goes on making
 * documents without the fields, and a run that finds nothing to do changes nothing. A run that is cut off is
 * not recorded; what it did stays and the next run does the rest. Returns the documents changed.
 */
export async function runMigration(
  database: Database,
  migration: Migration,
  onProgress: (progress: MigrationProgress) => void = () => {},
): Promise<number> {
  const collection = migration.collection(database);
  const total = await countMissing(collection, migration.defaults);
  onProgress({ changed: 0, total });
  const changed =
    total === 0
      ? 0
      : await fillMissing(collection, migration.defaults, (sofar) => onProgress({ changed: sofar, total }));
  await database.db.collection<MigrationRecord>('engine_migrations').updateOne(
    { _id: migration.id },
    [
      {
        $set: {
          collection: collection.collectionName,
          first_run_at: { $ifNull: ['$first_run_at', '$$NOW'] },
          last_run_at: '$$NOW',
          runs: { $add: [{ $ifNull: ['$runs', 0] }, 1] },
          documents_changed: { $add: [{ $ifNull: ['$documents_changed', 0] }, changed] },
        },
      },
    ],
    { upsert: true, maxTimeMS: MAX_TIME_MS },
  );
  return changed;
}

/** How many documents the migration would change now. Writes nothing. */
export const previewMigration = (database: Database, migration: Migration): Promise<number> =>
  countMissing(migration.collection(database), migration.defaults);
