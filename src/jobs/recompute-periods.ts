import { isAway } from '../db/away.ts';
import type { Database } from '../db/database.ts';
import { ensureGuards } from '../db/variance/period-guards.ts';
import { nextPeriod, type Period } from '../domain/variance/periods.ts';
import { type PeriodResult, type PeriodRun, recomputePeriod } from './recompute-period.ts';

/** How many periods ended how; `replaced` counts documents, deltas of following periods included. */
export interface PeriodTotals {
  periods: number;
  written: number;
  unchanged: number;
  removed: number;
  absent: number;
  skipped: number;
  replaced: number;
}

export const NO_PERIODS: PeriodTotals = {
  periods: 0,
  written: 0,
  unchanged: 0,
  removed: 0,
  absent: 0,
  skipped: 0,
  replaced: 0,
};

export interface PeriodsRun extends PeriodRun {
  /** Lanes that work side by side. Default 1. */
  concurrency?: number;
  /** Called after each period was committed, one call at a time. */
  onPeriod?: (period: Period, result: PeriodResult) => Promise<void> | void;
  /** No further period is begun once it is aborted. */
  signal?: AbortSignal | undefined;
}

/** Periods that could not be recomputed, each for a reason of its own; all others of the run were. */
export class PeriodsFailed extends Error {
  override name = 'PeriodsFailed';
  readonly failures: readonly FailedPeriod[];
  /** What the others came to. */
  readonly totals: PeriodTotals;
  constructor(failures: readonly FailedPeriod[], totals: PeriodTotals) {
    const named = failures.slice(0, MAX_NAMED).map(({ period, error }) => {
      return `${period.type} ${period.first_day} (${error instanceof Error ? error.message : String(error)})`;
    });
    const more = failures.length > named.length ? ` and ${failures.length - named.length} more` : '';
    super(`Not recomputed: ${named.join(', ')}${more}`, { cause: failures[0]?.error });
    this.failures = failures;
    this.totals = totals;
  }
}

export interface FailedPeriod {
  period: Period;
  error: unknown;
}

/** The message stands in a run's row and in an alert. */
const MAX_NAMED = 10;

/**
 * Recomputes periods in the given order. Each lane takes a stretch of neighbours, because a period and the
 * one after it write the same guards and would make each other start again.
 *
 * A period that cannot be recomputed keeps none of the others back: the run goes on and throws PeriodsFailed
 * at its end. A database that is away ends it at once: the next period would meet the same.
 */
export async function recomputePeriods(
  database: Database,
  periods: readonly Period[],
  run: PeriodsRun,
): Promise<PeriodTotals> {
  await ensureGuards(
    database,
    periods.flatMap((period) => [period, nextPeriod(period, run.timezone)]),
  );
  const totals = { ...NO_PERIODS };
  const laneLength = Math.ceil(periods.length / Math.max(1, run.concurrency ?? 1));
  const lanes = Array.from({ length: Math.ceil(periods.length / laneLength) || 0 }, (_, index) =>
    periods.slice(index * laneLength, (index + 1) * laneLength),
  );
  const failures: FailedPeriod[] = [];
  let gaveUp = false;
  let reported: Promise<void> = Promise.resolve();
  const recompute = async (period: Period): Promise<void> => {
    const result = await recomputePeriod(database, period, run).catch((error: unknown) => {
      if (isAway(error)) throw error;
      failures.push({ period, error });
    });
    if (!result) return;
    totals.periods += 1;
    totals[result.outcome] += 1;
    totals.replaced += result.replaced;
    reported = reported.then(() => run.onPeriod?.(period, result));
    await reported;
  };
  const workOff = async (lane: readonly Period[]): Promise<void> => {
    try {
      for (const period of lane) {
        if (run.signal?.aborted || gaveUp) return;
        await recompute(period);
      }
    } catch (error) {
      gaveUp = true;
      throw error;
    }
  };
  const results = await Promise.allSettled(lanes.map(workOff));
  const ended = results.find((result) => result.status === 'rejected');
  if (ended) throw ended.reason;
  if (failures.length > 0) throw new PeriodsFailed(failures, totals);
  return totals;
}
