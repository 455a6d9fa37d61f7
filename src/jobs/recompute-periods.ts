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

/**
 * Recomputes periods in the given order. Each lane takes a stretch of neighbours, because a period and the
 * one after it write the same guards and would make each other start again.
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
  let reported: Promise<void> = Promise.resolve();
  const results = await Promise.allSettled(
    lanes.map(async (lane) => {
      for (const period of lane) {
        if (run.signal?.aborted) return;
        const result = await recomputePeriod(database, period, run);
        totals.periods += 1;
        totals[result.outcome] += 1;
        totals.replaced += result.replaced;
        reported = reported.then(() => run.onPeriod?.(period, result));
        await reported;
      }
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return totals;
}
