import {
  type BackfillRun,
  type BackfillWish,
  findRun,
  finishRun,
  recordProgress,
} from '../db/backfill-runs.ts';
import type { Database } from '../db/database.ts';
import {
  type AnalyticsSettings,
  findChangedSettings,
  storeSettings,
} from '../db/variance/analytics-settings.ts';
import { removeForeignDocuments, removeMisplaced } from '../db/variance/documents.ts';
import { periodId, periodsDoneBy } from '../db/variance/period-guards.ts';
import { PERIOD_TYPES, type Period } from '../domain/variance/periods.ts';
import { type Plan, planPeriods } from '../domain/variance/plan.ts';
import type { PeriodResult } from './recompute-period.ts';
import { NO_PERIODS, type PeriodTotals, recomputePeriods } from './recompute-periods.ts';
import {
  announceTotals,
  loadState,
  type RollUpDependencies,
  settingsChangedMessage,
} from './roll-up-variance.ts';

export interface BackfillProgress {
  done: number;
  total: number;
}

export interface BackfillOptions {
  /** Default 2. */
  concurrency?: number;
  onStart?: (progress: BackfillProgress) => void;
  onPeriod?: (period: Period, result: PeriodResult, progress: BackfillProgress) => void;
}

/** Zone or tolerance changed, and this backfill would leave documents of both behind. */
export class SettingsChanged extends Error {
  override name = 'SettingsChanged';
}

/**
 * The periods that a backfill would recompute now. After a change of zone or tolerance only `all` is
 * possible, and it takes every period of every type, because documents of both must not stand together;
 * anything else throws SettingsChanged.
 */
export async function planBackfill(
  database: Database,
  settings: AnalyticsSettings,
  wish: Pick<BackfillWish, 'from' | 'to' | 'period_types' | 'reprocess'>,
) {
  const changedFrom = await findChangedSettings(database, settings);
  if (changedFrom && wish.reprocess !== 'all') {
    throw new SettingsChanged(settingsChangedMessage(changedFrom, settings));
  }
  const state = await loadState(database, settings.timezone);
  const plan: Plan = planPeriods({
    ...state,
    reprocess: wish.reprocess,
    types: changedFrom ? PERIOD_TYPES : wish.period_types,
    range: changedFrom ? undefined : { from: wish.from, to: wish.to },
  });
  return { plan, now: state.now, firstCounted: state.firstCounted };
}

/**
 * Works a registered backfill off, or goes on with it: periods that it has recomputed are not taken again.
 * Several processes may work on one run, and beside the nightly one. A failure is kept on the run and
 * thrown; the same wish is then registered anew. A dry run only counts its periods. Undefined when the run
 * is unknown or has ended.
 */
export async function backfillVariance(
  dependencies: RollUpDependencies,
  runId: string,
  options: BackfillOptions = {},
): Promise<PeriodTotals | undefined> {
  const run = await findRun(dependencies.database, runId);
  if (run?.state !== 'running') return undefined;
  try {
    const totals = await work(dependencies, run, options);
    if (dependencies.signal?.aborted) return totals;
    await finishRun(dependencies.database, runId);
    await announceTotals(dependencies, totals);
    return totals;
  } catch (error) {
    await finishRun(dependencies.database, runId, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

async function work(
  { database, settings, signal }: RollUpDependencies,
  run: BackfillRun,
  options: BackfillOptions,
): Promise<PeriodTotals> {
  if (run.timezone !== settings.timezone || run.tolerance_percent !== settings.tolerancePercent) {
    const registered = { timezone: run.timezone, tolerancePercent: run.tolerance_percent };
    throw new SettingsChanged(settingsChangedMessage(registered, settings));
  }
  const { plan, now, firstCounted } = await planBackfill(database, settings, run);
  if (run.dry_run) {
    await recordProgress(database, run._id, { periods_total: plan.recompute.length, periods_done: 0 });
    return NO_PERIODS;
  }
  const doneBefore = await periodsDoneBy(database, run._id);
  const left = plan.recompute.filter((period) => !doneBefore.has(periodId(period)));
  const progress = { done: doneBefore.size, total: doneBefore.size + left.length };
  options.onStart?.(progress);
  await removeMisplaced(database, plan.remove);
  await recordProgress(database, run._id, { periods_total: progress.total, periods_done: progress.done });
  const totals = await recomputePeriods(database, run.newest_first ? left.toReversed() : left, {
    ...settings,
    now,
    firstCounted,
    generatedBy: run.requested_by,
    backfillRun: run._id,
    concurrency: options.concurrency ?? 2,
    signal,
    onPeriod: async (period, result) => {
      progress.done += 1;
      options.onPeriod?.(period, result, { ...progress });
      await recordProgress(database, run._id, {
        periods_done: progress.done,
        periods_total: progress.total,
      });
    },
  });
  if (run.reprocess === 'all' && !signal?.aborted) {
    await removeForeignDocuments(database, run.timezone);
    await storeSettings(database, settings);
  }
  return totals;
}
