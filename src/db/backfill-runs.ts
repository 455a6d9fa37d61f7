import { randomUUID } from 'node:crypto';
import type { PeriodType } from '../contract/schemas/variance-analytics.ts';
import type { Database } from './database.ts';
import { readServerTime } from './server-time.ts';
import { MAX_TIME_MS } from './time-limited.ts';

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
  /** Starts by the queue since the last period that was done: a run that ends its process shows here. */
  starts?: number;
  /** Its process was asked to stop: any other may go on at once. */
  handed_back?: true;
  started_at: Date;
  /** Moved on while somebody works on it. */
  updated_at: Date;
  finished_at?: Date;
  error?: string;
}

export interface BackfillRequest extends BackfillWish {
  requested_by: string;
  /** Only count the periods. */
  dry_run?: boolean;
  newest_first?: boolean;
}

/**
 * Registers a backfill, or finds the unfinished run of the same wish: whoever works on it goes on where it
 * is. Nothing is recomputed here (jobs/backfill-variance.ts).
 */
export async function registerBackfill(database: Database, request: BackfillRequest): Promise<BackfillRun> {
  const { requested_by, dry_run, newest_first, ...wish } = request;
  const unfinished = dry_run ? undefined : await findUnfinished(database, wish);
  if (unfinished) return unfinished;
  const now = await readServerTime(database);
  const run: BackfillRun = {
    ...wish,
    _id: randomUUID(),
    state: 'running',
    requested_by,
    ...(dry_run ? { dry_run: true } : {}),
    ...(newest_first ? { newest_first: true } : {}),
    periods_total: 0,
    periods_done: 0,
    started_at: now,
    updated_at: now,
  };
  await database.backfillRuns.insertOne(run);
  return run;
}

async function findUnfinished(database: Database, wish: BackfillWish): Promise<BackfillRun | null> {
  const { from, to, period_types, reprocess, timezone, tolerance_percent } = wish;
  return database.backfillRuns.findOne(
    {
      state: 'running',
      dry_run: { $exists: false },
      from,
      to,
      period_types,
      reprocess,
      timezone,
      tolerance_percent,
    },
    { sort: { started_at: -1 }, maxTimeMS: MAX_TIME_MS },
  );
}

export async function findRun(database: Database, runId: string): Promise<BackfillRun | undefined> {
  return (await database.backfillRuns.findOne({ _id: runId }, { maxTimeMS: MAX_TIME_MS })) ?? undefined;
}

/** Notes a start by the queue and returns the run; undefined when it is unknown or has ended. */
export async function beginRun(database: Database, runId: string): Promise<BackfillRun | undefined> {
  const run = await database.backfillRuns.findOneAndUpdate(
    { _id: runId, state: 'running' },
    [
      { $set: { starts: { $add: [{ $ifNull: ['$starts', 0] }, 1] }, updated_at: '$$NOW' } },
      { $unset: ['handed_back'] },
    ],
    { returnDocument: 'after', maxTimeMS: MAX_TIME_MS },
  );
  return run ?? undefined;
}

/** Says that somebody works on the run. */
export async function beatRun(database: Database, runId: string): Promise<void> {
  await database.backfillRuns.updateOne({ _id: runId, state: 'running' }, [
    { $set: { updated_at: '$$NOW' } },
  ]);
}

/** Gives an interrupted run back: the next sweep rings it, however recently somebody worked on it. */
export async function handBackRun(database: Database, runId: string): Promise<void> {
  await database.backfillRuns.updateOne(
    { _id: runId, state: 'running' },
    { $set: { handed_back: true, starts: 0 } },
  );
}

/** Unfinished runs that were handed back or that nobody has worked on since `before`, oldest first. */
export async function findStrandedRuns(database: Database, before: Date, limit: number): Promise<string[]> {
  const runs = await database.backfillRuns
    .find(
      { state: 'running', $or: [{ handed_back: true }, { updated_at: { $lt: before } }] },
      { projection: { _id: 1 }, maxTimeMS: MAX_TIME_MS },
    )
    .sort({ updated_at: 1 })
    .limit(limit)
    .toArray();
  return runs.map((run) => run._id);
}

/** Writes the progress; `starts: 0` after a period, for a run that gets on ends no process. */
export async function recordProgress(
  database: Database,
  runId: string,
  progress: Pick<BackfillRun, 'periods_total' | 'periods_done'> & { starts?: 0 },
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
