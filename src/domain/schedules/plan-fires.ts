import { dueTimes, latestDue, type Timetable } from './due-times.ts';

/**
 * What happens to the due times that nobody saw, such as those of a night with the power off:
 * `all` are run, oldest first; `once` runs the latest for all of them; `skip` runs none.
 */
export type MissedPolicy = 'all' | 'once' | 'skip';

export interface Schedule extends Timetable {
  readonly name: string;
  readonly missed: MissedPolicy;
  /** Due times further back than this are given up. */
  readonly catchUpMs: number;
}

export interface Fire {
  /** The due time that the run stands for. */
  scheduled_for: Date;
  /** It is caught up: seen more than a minute after its time. */
  backfilled: boolean;
}

export interface FirePlan {
  fires: Fire[];
  /** Everything up to here needs no further look. */
  settled_until: Date;
}

/** Seen within this of its time, a fire is punctual: the wakes come every few seconds. */
export const PUNCTUAL_MS = 60_000;

/** Bounds one look; the rest comes with the next one. */
export const MAX_FIRES = 500;

/**
 * The fires that are due in (`settledUntil`, `now`], by the schedule's policy, oldest first, at most 500.
 */
export function planFires(schedule: Schedule, settledUntil: Date, now: Date): FirePlan {
  const after = later(settledUntil, new Date(now.getTime() - reach(schedule)));
  const fires: Fire[] = [];
  for (const scheduled_for of wanted(schedule, after, now)) {
    fires.push({ scheduled_for, backfilled: now.getTime() - scheduled_for.getTime() > PUNCTUAL_MS });
    if (fires.length === MAX_FIRES) return { fires, settled_until: scheduled_for };
  }
  return { fires, settled_until: later(settledUntil, now) };
}

const reach = (schedule: Schedule): number =>
  schedule.missed === 'skip' ? Math.min(PUNCTUAL_MS, schedule.catchUpMs) : schedule.catchUpMs;

function wanted(schedule: Schedule, after: Date, now: Date): Iterable<Date> {
  if (schedule.missed !== 'once') return dueTimes(schedule, after, now);
  const latest = latestDue(schedule, after, now);
  return latest ? [latest] : [];
}

const later = (a: Date, b: Date): Date => (a > b ? a : b);
