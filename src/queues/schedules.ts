import { parseCron } from '../domain/schedules/cron-expression.ts';
import type { Fire, Schedule } from '../domain/schedules/plan-fires.ts';
import type { JobPayload, JobType } from './definitions.ts';

/** A schedule of the engine: its fires ring the job of the same name. */
export interface EngineSchedule extends Schedule {
  readonly name: JobType;
  /** How long the rows of its runs are kept. */
  readonly keepRunsMs: number;
  readonly payload: (fire: Fire) => JobPayload;
}

const DAY_MS = 86_400_000;

/**
 * Everything that the engine does by the clock; what it looks at again and again are sweeps (sweep.ts). Throws CronError for a `nightlyCron` that cannot be read.
 */
export function engineSchedules(settings: { nightlyCron: string; timezone: string }): EngineSchedule[] {
  return [
    {
      name: 'roll-up-variance',
      cron: parseCron(settings.nightlyCron),
      zone: settings.timezone,
      missed: 'all',
      catchUpMs: 366 * DAY_MS,
      keepRunsMs: 400 * DAY_MS,
      payload: (fire) => ({ v: 1, type: 'roll-up-variance', ...tag(fire) }),
    },
  ];
}

const tag = (fire: Fire): { scheduled_for: string; backfilled: boolean } => ({
  scheduled_for: fire.scheduled_for.toISOString(),
  backfilled: fire.backfilled,
});
