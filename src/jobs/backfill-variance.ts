import {
  type BackfillRun,
  type BackfillWish,
  beatRun,
  beginRun,
  findRun,
  finishRun,
  handBackRun,
  recordProgress,
} from '../db/backfill-runs.ts';
import type { Database } from '../db/database.ts';
import { recordDeadJob } from '../db/dead-letters.ts';
import { isTransient } from '../db/transient.ts';
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
import { NO_PERIODS, PeriodsFailed, type PeriodTotals, recomputePeriods } from './recompute-periods.ts';
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

/** A run that was begun this often without a period done is set aside: it may be what ends its process. */
const MAX_STARTS = 3;

/** A sweep takes a run for abandoned after a minute of silence. */
const BEAT_EVERY_MS = 20_000;

/**
 * The queue's job for a backfill. Interrupted by a stop it gives the run back; after an error that may pass
 * the run stays open, for the next attempt or the sweep (requeue-stranded-backfills.ts). What fails for good,
 * or was begun three times and got nowhere, becomes a dead letter.
 */
export async function runBackfillJob(dependencies: RollUpDependencies, runId: string): Promise<void> {
  const { database, signal } = dependencies;
  const run = await beginRun(database, runId);
  if (!run) return;
  if ((run.starts ?? 0) > MAX_STARTS) {
    const reason = `It was begun ${MAX_STARTS} times and neither ended nor got on.`;
    await setAside(dependencies, run, reason);
    await finishRun(database, runId, reason);
    return;
  }
  try {
    await backfillVariance(dependencies, runId);
  } catch (error) {
    if (!mayPass(error)) await setAside(dependencies, run, messageOf(error));
    throw error;
  }
  if (signal?.aborted) await handBackRun(database, runId);
}

async function setAside(
  { database, notifyOutbox }: RollUpDependencies,
  run: BackfillRun,
  reason: string,
): Promise<void> {
  await recordDeadJob(database, {
    id: `backfill-variance-${run._id}`,
    queue: 'analytics',
    attempts: run.starts ?? 1,
    payload: { v: 1, type: 'backfill-variance', run_id: run._id },
    reason,
  });
  await notifyOutbox();
}

/**
 * Works a registered backfill off, or goes on with it: periods that it has recomputed are not taken again.
 * Several processes may work on one run, and beside the nightly one. A failure is kept on the run and
 * thrown; the same wish is then registered anew. One that may pass is thrown and leaves the run open. A dry
 * run only counts its periods. Undefined when the run is unknown or has ended.
 */
export async function backfillVariance(
  dependencies: RollUpDependencies,
  runId: string,
  options: BackfillOptions = {},
): Promise<PeriodTotals | undefined> {
  const { database } = dependencies;
  const run = await findRun(database, runId);
  if (run?.state !== 'running') return undefined;
  // A period may take most of a minute; a beat that fails is made good by the next one.
  const beat = setInterval(() => beatRun(database, runId).catch(() => {}), BEAT_EVERY_MS);
  try {
    const totals = await work(dependencies, run, options);
    await announceTotals(dependencies, totals);
    if (!dependencies.signal?.aborted) await finishRun(database, runId);
    return totals;
  } catch (error) {
    if (error instanceof PeriodsFailed) await announceTotals(dependencies, error.totals);
    if (!mayPass(error)) await finishRun(database, runId, messageOf(error));
    throw error;
  } finally {
    clearInterval(beat);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const mayPass = (error: unknown): boolean =>
  isTransient(error) ||
  (error instanceof PeriodsFailed && error.failures.every((failure) => isTransient(failure.error)));

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
        starts: 0,
      });
    },
  });
  if (run.reprocess === 'all' && !signal?.aborted) {
    await removeForeignDocuments(database, run.timezone);
    await storeSettings(database, settings);
  }
  return totals;
}
