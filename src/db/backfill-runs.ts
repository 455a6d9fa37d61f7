import type { PeriodType } from '../contract/schemas/variance-analytics.ts';
import type { Database } from './database.ts';
import { MAX_TIME_MS } from './transaction.ts';

/** What a backfill was asked to do; an unfinished run of the same wish is gone on with. */
export interface BackfillWish {
  /** Local dates, both inclusive. */
  from: string;
  to: string;
  period_types: PeriodType[];
  reprocess: 'missing' | 'stale' | 'all';
  timezone: string;
  tolerance_percent: number;
}

/** One backfill with its progress. Which periods it has done stands on their guards. */
export interface BackfillRun extends BackfillWish {
  _id: string;
  state: 'running' | 'done' | 'failed';
  requested_by: string;
  dry_run?: true;
  newest_first?: true;
  periods_total: number;
  periods_done: number;
  started_at: Date;
  updated_at: Date;
  finished_at?: Date;
  error?: string;
}

/** The latest run of this wish that was begun and neither ended nor failed. */
export async function findUnfinishedRun(
  database: Database,
  wish: BackfillWish,
): Promise<BackfillRun | undefined> {
  const { from, to, period_types, reprocess, timezone, tolerance_percent } = wish;
  const run = await database.backfillRuns.findOne(
    { state: 'running', from, to, period_types, reprocess, timezone, tolerance_percent },
    { sort: { started_at: -1 }, maxTimeMS: MAX_TIME_MS },
  );
  return run ?? undefined;
}

export async function insertRun(database: Database, run: BackfillRun): Promise<void> {
  await database.backfillRuns.insertOne(run);
}

export async function findRun(database: Database, runId: string): Promise<BackfillRun | undefined> {
  return (await database.backfillRuns.findOne({ _id: runId }, { maxTimeMS: MAX_TIME_MS })) ?? undefined;
}

/** Writes the progress after a period. */
export async function recordProgress(
  database: Database,
  runId: string,
  progress: Pick<BackfillRun, 'periods_total' | 'periods_done'>,
): Promise<void> {
  await database.backfillRuns.updateOne({ _id: runId }, [{ $set: { ...progress, updated_at: '$$NOW' } }]);
}

/** Ends a run; with `error` it failed. */
export async function finishRun(database: Database, runId: string, error?: string): Promise<void> {
  // `$literal`: the text of an error may begin with a dollar sign.
  const end = error === undefined ? { state: 'done' } : { state: 'failed', error: { $literal: error } };
  await database.backfillRuns.updateOne({ _id: runId }, [
    { $set: { ...end, updated_at: '$$NOW', finished_at: '$$NOW' } },
  ]);
}
