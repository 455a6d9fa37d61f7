import cron, { type ScheduledTask } from 'node-cron';
import type { Database } from '../db/database.ts';
import { claimRuns, setDeadlyRunsAside, skipLostRuns, takeLostRuns } from '../db/schedule-runs.ts';
import { readScheduleState, settleUntil } from '../db/schedule-states.ts';
import { type Fire, planFires } from '../domain/schedules/plan-fires.ts';
import type { Service } from '../runtime/service.ts';
import { JOBS, type JobPayload } from './definitions.ts';
import type { EngineSchedule } from './schedules.ts';

export interface SchedulerDependencies {
  database: Database;
  schedules: readonly EngineSchedule[];
  /** Puts a job into its queue; a rejection is made good within a minute or two. */
  ring: (payload: JobPayload) => Promise<void>;
  /** MongoDB's clock (db/server-time.ts): replicas must agree on what is due. */
  now: () => Promise<Date>;
  /** Names this process in the runs. */
  host: string;
  onError: (schedule: string, error: unknown) => void;
  /** node-cron expression with seconds. */
  wakeAt?: string;
}

export interface Scheduler extends Service {
  /** Looks once at what is due, as each wake does. */
  look(): Promise<void>;
}

// More often than schedules fire: the clocks of this process and of MongoDB may differ by seconds.
const WAKE_AT = '*/10 * * * * *';

/**
 * Fires the schedules. node-cron only wakes; what is due is listed by our own code, and the unique row in
 * `schedule_runs` decides who of several processes rings it (invariant A6). Fires that were missed while
 * nobody ran are found at the start and at each wake; a schedule that is seen for the first time has none.
 * A claimed fire whose job never began, or whose runner died, is rung again; one whose runners died three
 * times is set aside (invariant E3).
 */
export function createScheduler(dependencies: SchedulerDependencies): Scheduler {
  const { schedules, now, onError, wakeAt = WAKE_AT } = dependencies;
  let task: ScheduledTask | undefined;
  let looking: Promise<void> | undefined;

  const lookOnce = async (): Promise<void> => {
    const at = await now();
    for (const schedule of schedules) {
      await lookAt(dependencies, schedule, at).catch((error: unknown) => onError(schedule.name, error));
    }
  };
  // A wake during a look joins it: the next one comes soon enough.
  const look = (): Promise<void> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const wake = (): Promise<void> => look().catch((error: unknown) => onError('all', error));

  return {
    name: 'scheduler',
    look,
    start: async () => {
      await wake();
      task ??= cron.schedule(wakeAt, wake, {
        name: 'scheduler',
        noOverlap: true,
        suppressMissedWarning: true,
        logger: QUIET,
      });
    },
    stop: async () => {
      await task?.destroy();
      task = undefined;
      await looking?.catch(() => {});
    },
  };
}

// node-cron would write to the console; what matters is reported through onError.
const QUIET = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

/** Claims and rings what is due of one schedule, then what was lost. */
async function lookAt(
  dependencies: SchedulerDependencies,
  schedule: EngineSchedule,
  now: Date,
): Promise<void> {
  const { database } = dependencies;
  const state = await readScheduleState(database, schedule.name, now);
  if (!state.paused) {
    const plan = planFires(schedule, state.settled_until, now);
    const claimed = await claim(dependencies, schedule, plan.fires, now);
    // After the claims: a crash in between finds them again, and the unique index holds.
    await settleUntil(database, schedule.name, plan.settled_until);
    await ringAll(dependencies, schedule, claimed);
  }
  await setAside(dependencies, schedule, now);
  if (schedule.missed === 'skip') await skipLostRuns(database, schedule.name, now);
  else await ringAll(dependencies, schedule, await takeLostRuns(database, schedule.name, now));
}

// Nobody rings for the alert: the outbox publisher looks every second, and such runs took minutes to be known.
const setAside = ({ database }: SchedulerDependencies, schedule: EngineSchedule, now: Date): Promise<void> =>
  setDeadlyRunsAside(database, schedule.name, now, ({ scheduled_for }) => ({
    id: `${schedule.name}-${scheduled_for.toISOString()}`,
    queue: JOBS[schedule.name].queue,
    payload: schedule.payload({ scheduled_for, backfilled: true }),
  }));

const claim = (
  { database, host }: SchedulerDependencies,
  schedule: EngineSchedule,
  fires: readonly Fire[],
  now: Date,
): Promise<Fire[]> =>
  claimRuns(
    database,
    fires.map((fire) => ({ schedule: schedule.name, ...fire })),
    { host, now, keepMs: schedule.keepRunsMs },
  );

/** Oldest first. One that fails leaves its run claimed, and so to be rung again; the others still ring. */
async function ringAll(
  { ring, onError }: SchedulerDependencies,
  schedule: EngineSchedule,
  fires: readonly Fire[],
): Promise<void> {
  for (const fire of fires) {
    await ring(schedule.payload(fire)).catch((error: unknown) => onError(schedule.name, error));
  }
}

/**
 * Fires a schedule now, because a person asked: claimed and recorded like any fire. False when somebody
 * did so in the same millisecond.
 */
export async function triggerSchedule(
  dependencies: SchedulerDependencies,
  schedule: EngineSchedule,
): Promise<boolean> {
  const now = await dependencies.now();
  const claimed = await claim(dependencies, schedule, [{ scheduled_for: now, backfilled: false }], now);
  await ringAll(dependencies, schedule, claimed);
  return claimed.length > 0;
}
