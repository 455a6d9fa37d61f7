import type { Database } from '../db/database.ts';
import { appendEvents } from '../db/outbox.ts';
import { readServerTime } from '../db/server-time.ts';
import { inTransaction } from '../db/transaction.ts';
import { type AnalyticsSettings, findChangedSettings } from '../db/variance/analytics-settings.ts';
import { loadDirtyDays, translateForeignMarks } from '../db/variance/dirty-marks.ts';
import { listStoredPeriods, removeMisplaced } from '../db/variance/documents.ts';
import { findFirstCounted } from '../db/variance/first-counted.ts';
import { type Alert, systemAlert } from '../domain/events/system-alert.ts';
import { daysOfForeignDay, PERIOD_TYPES } from '../domain/variance/periods.ts';
import { type PlanInput, planPeriods } from '../domain/variance/plan.ts';
import { NO_PERIODS, PeriodsFailed, type PeriodTotals, recomputePeriods } from './recompute-periods.ts';

export interface RollUpDependencies {
  database: Database;
  settings: AnalyticsSettings;
  /** Wakes the outbox publisher; its failure only delays the event. */
  notifyOutbox: () => Promise<void> | void;
  signal?: AbortSignal;
}

export type RollUpSummary = PeriodTotals & {
  state: 'done' | 'settings_changed';
  /** Misplaced documents that were removed. */
  misplaced: number;
};

/**
 * Brings the analytics up to date with the lines: missing periods, dirty ones, provisional ones that have
 * ended, and the deltas of those that follow them (rules, "Periods and numbers"). Running it twice changes
 * nothing; a killed run's next one goes on where it was. After a change of zone or tolerance it writes
 * nothing and says so.
 */
export async function rollUpVariance(dependencies: RollUpDependencies): Promise<RollUpSummary> {
  const { database, settings } = dependencies;
  const changedFrom = await findChangedSettings(database, settings);
  if (changedFrom) {
    await announce(dependencies, settingsChanged(changedFrom, settings));
    return { ...NO_PERIODS, state: 'settings_changed', misplaced: 0 };
  }
  const state = await loadState(database, settings.timezone);
  const plan = planPeriods({ ...state, types: PERIOD_TYPES, reprocess: 'stale' });
  await removeMisplaced(database, plan.remove);
  const totals = await recomputePeriods(database, plan.recompute, {
    ...settings,
    now: state.now,
    firstCounted: state.firstCounted,
    generatedBy: 'system',
    signal: dependencies.signal,
  }).catch(async (error: unknown) => {
    // Readers have the other periods already.
    if (error instanceof PeriodsFailed) await announceTotals(dependencies, error.totals);
    throw error;
  });
  await announceTotals(dependencies, totals);
  return { ...totals, state: 'done', misplaced: plan.remove.length };
}

/** What a plan is made from, read at once; marks of another zone are made marks of this one before. */
export async function loadState(
  database: Database,
  zone: string,
): Promise<Omit<PlanInput, 'types' | 'reprocess'>> {
  await translateForeignMarks(database, zone, (day, foreign) => daysOfForeignDay(day, foreign, zone));
  const [now, firstCounted, stored, dirtyDays] = await Promise.all([
    readServerTime(database),
    findFirstCounted(database),
    listStoredPeriods(database, zone),
    loadDirtyDays(database, zone),
  ]);
  return { zone, now, firstCounted, stored, dirtyDays };
}

/** Tells supervisors, through the outbox like every event. */
export async function announce(
  { database, notifyOutbox }: Pick<RollUpDependencies, 'database' | 'notifyOutbox'>,
  alert: Alert,
): Promise<void> {
  await inTransaction(database, async (session) => {
    const at = await readServerTime(database, session);
    await appendEvents(database, session, [systemAlert(alert, 'variance_analytics', at)], at);
  });
  await notifyOutbox();
}

/** Says that there is something new to read; nothing when there is not. */
export async function announceTotals(
  dependencies: Pick<RollUpDependencies, 'database' | 'notifyOutbox'>,
  totals: PeriodTotals,
): Promise<void> {
  if (totals.replaced + totals.removed > 0) await announce(dependencies, published(totals));
}

const published = (totals: PeriodTotals): Alert => ({
  severity: 'info',
  code: 'rollup_published',
  title: 'Variance analytics updated',
  message: `${totals.replaced} documents written, ${totals.removed} removed, ${totals.unchanged} unchanged.`,
});

const settingsChanged = (from: AnalyticsSettings, to: AnalyticsSettings): Alert => ({
  severity: 'warning',
  code: 'analytics_settings_changed',
  title: 'Variance analytics stand still',
  message: settingsChangedMessage(from, to),
});

/** One sentence for people: what changed and what to do. */
export const settingsChangedMessage = (from: AnalyticsSettings, to: AnalyticsSettings): string =>
  `The stored analytics are of ${describe(from)}, the configuration says ${describe(to)}: ` +
  'run `npm run backfill -- --reprocess all`.';

const describe = ({ timezone, tolerancePercent }: AnalyticsSettings): string =>
  `zone ${timezone} and tolerance ${tolerancePercent} %`;
