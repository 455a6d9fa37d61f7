import { MongoBulkWriteError } from 'mongodb';
import type { Database } from './database.ts';
import { ENDED_ITS_PROCESS } from './dead-letters/caution.ts';
import { addDeadJob, type DeadJob } from './dead-letters.ts';
import { DUPLICATE_KEY } from './duplicate-key.ts';
import { MAX_TIME_MS } from './time-limited.ts';
import { inTransaction } from './transaction.ts';

/** One fire of one schedule; unique on schedule and time, so that one replica runs it (invariant A6). */
export interface ScheduleRun {
  schedule: string;
  /** The due time that it stands for. */
  scheduled_for: Date;
  /** It was caught up, not seen at its time. */
  backfilled: boolean;
  state: 'claimed' | 'running' | 'done' | 'failed' | 'skipped';
  claimed_at: Date;
  /** When its job was last put into the queue, or was meant to be. */
  rung_at: Date;
  /** The row is dropped then; `settled_until` keeps the fire from coming back. */
  expires_at: Date;
  /** Who claimed it, then who runs it. */
  host: string;
  /** Counts the starts; a runner that was taken for dead finishes nothing. */
  attempt: number;
  /** Starts in a row that were never ended, because their process died. */
  deaths?: number;
  started_at?: Date;
  /** Moved on while it runs. */
  heartbeat_at?: Date;
  finished_at?: Date;
  outcome?: string;
}

export interface RunKey {
  schedule: string;
  scheduled_for: Date;
}

/** A runner beats every 20 s; silent for this long it is taken for dead. */
export const RUN_SILENT_MS = 90_000;

/**
 * Claims fires by inserting their rows. Returns those that are now this process's to ring: of several
 * processes each fire goes to exactly one, whatever they believe to be missing.
 */
export async function claimRuns(
  database: Database,
  fires: readonly (RunKey & { backfilled: boolean })[],
  claim: { host: string; now: Date; keepMs: number },
): Promise<ScheduleRun[]> {
  if (fires.length === 0) return [];
  const { host, now, keepMs } = claim;
  const runs = fires.map(
    (fire): ScheduleRun => ({
      ...fire,
      state: 'claimed',
      claimed_at: now,
      rung_at: now,
      expires_at: new Date(now.getTime() + keepMs),
      host,
      attempt: 0,
    }),
  );
  try {
    // Copies: the driver writes an `_id` into what it inserts.
    await database.scheduleRuns.insertMany(
      runs.map((run) => ({ ...run })),
      { ordered: false },
    );
    return runs;
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = [error.writeErrors].flat();
    if (failures.some((failure) => failure.code !== DUPLICATE_KEY)) throw error;
    const taken = new Set(failures.map((failure) => failure.index));
    return runs.filter((_run, index) => !taken.has(index));
  }
}

/** With the one that is found now a run has ended its process three times. */
const LAST_DEATH = { $gte: 2 };

export type RunStart =
  | { state: 'started'; attempt: number }
  /** Done before, or somebody else is at it: there is nothing to do. */
  | { state: 'settled' }
  | { state: 'busy' }
  /** No such fire was claimed: the job came from elsewhere. */
  | { state: 'unknown' };

/**
 * Marks a claimed, failed or abandoned run as running on `host`, by MongoDB's clock. One caller gets it. A run
 * that ended its process three times is left to be set aside.
 */
export async function startRun(database: Database, key: RunKey, host: string): Promise<RunStart> {
  const { schedule, scheduled_for } = key;
  const silent = { $lt: ['$heartbeat_at', { $subtract: ['$$NOW', RUN_SILENT_MS] }] };
  const run = await database.scheduleRuns.findOneAndUpdate(
    {
      schedule,
      scheduled_for,
      $or: [
        { state: { $in: ['claimed', 'failed'] } },
        { state: 'running', deaths: { $not: LAST_DEATH }, $expr: silent },
      ],
    },
    [
      {
        $set: {
          state: 'running',
          host: { $literal: host },
          attempt: { $add: ['$attempt', 1] },
          deaths: { $cond: [{ $eq: ['$state', 'running'] }, { $add: [{ $ifNull: ['$deaths', 0] }, 1] }, 0] },
          started_at: '$$NOW',
          heartbeat_at: '$$NOW',
        },
      },
      { $unset: ['finished_at', 'outcome'] },
    ],
    { returnDocument: 'after', maxTimeMS: MAX_TIME_MS },
  );
  if (run) return { state: 'started', attempt: run.attempt };
  const standing = await database.scheduleRuns.findOne({ schedule, scheduled_for });
  if (!standing) return { state: 'unknown' };
  return { state: standing.state === 'running' ? 'busy' : 'settled' };
}

type Started = RunKey & { attempt: number };

const ofStarted = ({ schedule, scheduled_for, attempt }: Started) => ({
  schedule,
  scheduled_for,
  attempt,
  state: 'running' as const,
});

/** Says that the run is alive. False when it was taken over. */
export async function beatRun(database: Database, run: Started): Promise<boolean> {
  const { matchedCount } = await database.scheduleRuns.updateOne(ofStarted(run), [
    { $set: { heartbeat_at: '$$NOW' } },
  ]);
  return matchedCount === 1;
}

/** Records how the run ended; nothing when it was taken over. `outcome` is for people, ≤ 500 characters. */
export async function finishRun(
  database: Database,
  run: Started,
  end: { state: 'done' | 'failed'; outcome: string },
): Promise<void> {
  await database.scheduleRuns.updateOne(ofStarted(run), [
    {
      $set: {
        state: end.state,
        outcome: { $literal: end.outcome.slice(0, MAX_OUTCOME_CHARACTERS) },
        finished_at: '$$NOW',
      },
    },
  ]);
}

const MAX_OUTCOME_CHARACTERS = 500;

/** Gives an interrupted run back, to be rung again. Nothing when it was taken over. */
export async function handBackRun(database: Database, run: Started): Promise<void> {
  await database.scheduleRuns.updateOne(ofStarted(run), { $set: { state: 'claimed' } });
}

/** A claimed run that nobody started for this long is rung again; the queue drops a ring that is waiting. */
const RING_AGAIN_MS = 60_000;
const MAX_LOST_RUNS = 100;

const lostFilter = (schedule: string, now: Date) => {
  const before = (ms: number) => ({ $lt: new Date(now.getTime() - ms) });
  return {
    schedule,
    $or: [
      { state: 'claimed' as const, rung_at: before(RING_AGAIN_MS) },
      {
        state: 'running' as const,
        heartbeat_at: before(RUN_SILENT_MS),
        rung_at: before(RING_AGAIN_MS),
      },
    ],
  };
};

/**
 * Runs whose ring or runner was lost, oldest first, at most 100: taken here to be rung again, each by one
 * process.
 */
export async function takeLostRuns(database: Database, schedule: string, now: Date): Promise<ScheduleRun[]> {
  const filter = lostFilter(schedule, now);
  const lost = await database.scheduleRuns
    .find(filter, { maxTimeMS: MAX_TIME_MS })
    .sort({ scheduled_for: 1 })
    .limit(MAX_LOST_RUNS)
    .toArray();
  const taken: ScheduleRun[] = [];
  for (const run of lost) {
    const { matchedCount } = await database.scheduleRuns.updateOne(
      { ...filter, _id: run._id },
      { $set: { rung_at: now } },
    );
    if (matchedCount === 1) taken.push(run);
  }
  return taken;
}

/**
 * Sets lost runs aside that ended their process three times (invariant E3), for a fourth would end likewise:
 * each is marked failed and becomes a dead letter with its alert.
 */
export async function setDeadlyRunsAside(
  database: Database,
  schedule: string,
  now: Date,
  job: (run: RunKey) => Omit<DeadJob, 'attempts' | 'reason'>,
): Promise<void> {
  const deadly = {
    schedule,
    state: 'running' as const,
    deaths: LAST_DEATH,
    heartbeat_at: { $lt: new Date(now.getTime() - RUN_SILENT_MS) },
  };
  const runs = await database.scheduleRuns
    .find(deadly, { maxTimeMS: MAX_TIME_MS })
    .limit(MAX_LOST_RUNS)
    .toArray();
  for (const run of runs) {
    await inTransaction(database, async (session) => {
      const end = { state: 'failed' as const, outcome: ENDED_ITS_PROCESS, finished_at: now };
      const { matchedCount } = await database.scheduleRuns.updateOne(
        { ...deadly, _id: run._id, attempt: run.attempt },
        { $set: end },
        { session },
      );
      if (matchedCount === 0) return;
      const dead = { ...job(run), attempts: run.attempt, reason: ENDED_ITS_PROCESS };
      await addDeadJob(database, dead, session);
    });
  }
}

/** Closes lost runs of a schedule whose next fire makes them pointless. */
export async function skipLostRuns(database: Database, schedule: string, now: Date): Promise<void> {
  await database.scheduleRuns.updateMany(lostFilter(schedule, now), {
    $set: { state: 'skipped', outcome: 'lost', finished_at: now },
  });
}

/** The latest runs of a schedule, newest first. */
export const listRuns = (database: Database, schedule: string, limit: number): Promise<ScheduleRun[]> =>
  database.scheduleRuns
    .find({ schedule }, { projection: { _id: 0 }, maxTimeMS: MAX_TIME_MS })
    .sort({ scheduled_for: -1 })
    .limit(limit)
    .toArray();
