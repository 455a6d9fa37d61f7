import type { PeriodType } from '../../contract/schemas/variance-analytics.ts';
import { FORMULA_VERSION } from './formula.ts';
import { type DateRange, localDay, type Period, periodOf, periodOfDay, periodsBetween } from './periods.ts';

/** What a plan needs of a stored document. */
export interface StoredPeriod {
  period_type: PeriodType;
  period_start: Date;
  period_end: Date;
  provisional: boolean;
  formula_version: number;
}

export type Reprocess = 'missing' | 'stale' | 'all';

export interface PlanInput {
  zone: string;
  now: Date;
  /** Time of the first counted item, or undefined when nothing counts. */
  firstCounted: Date | undefined;
  stored: readonly StoredPeriod[];
  /** Days with open dirty marks, by period type. */
  dirtyDays: Record<PeriodType, readonly string[]>;
  types: readonly PeriodType[];
  reprocess: Reprocess;
  /** Only periods that start on these local dates; all when absent. */
  range?: DateRange | undefined;
}

export interface Plan {
  recompute: Period[];
  /** Documents at a time that is no longer the start of a period: the zone's rules changed since. */
  remove: { type: PeriodType; start: Date }[];
}

/**
 * The periods to recompute, by type and then oldest first (rules, "Periods and numbers"). `stale` takes
 * those whose document is missing, dirty, of another formula, provisional although ended, or should not
 * exist. A period that has not begun is never taken.
 */
export function planPeriods(input: PlanInput): Plan {
  const misplaced =
    input.reprocess === 'missing' ? [] : input.stored.filter((row) => isMisplaced(row, input));
  return {
    recompute: input.types.flatMap((type) => planType(type, input)),
    remove: misplaced.map((row) => ({ type: row.period_type, start: row.period_start })),
  };
}

const isMisplaced = ({ period_type, period_start }: StoredPeriod, { types, zone }: PlanInput): boolean =>
  types.includes(period_type) &&
  periodOf(period_type, period_start, zone).start.getTime() !== period_start.getTime();

function planType(type: PeriodType, input: PlanInput): Period[] {
  const { zone, now, reprocess } = input;
  const stored = new Map(
    input.stored.filter((row) => row.period_type === type).map((row) => [row.period_start.getTime(), row]),
  );
  const planned = new Map<number, Period>();
  const plan = (period: Period) => planned.set(period.start.getTime(), period);
  const expected = expectedPeriods(type, input);
  const expectedStarts = new Set(expected.map((period) => period.start.getTime()));
  for (const period of expected) {
    const row = stored.get(period.start.getTime());
    if (!row || reprocess === 'all' || (reprocess === 'stale' && isStale(row, now))) plan(period);
  }
  if (reprocess === 'missing') return inOrder(planned, input);
  for (const row of stored.values()) {
    // Before the first count: recomputing it removes it.
    if (!expectedStarts.has(row.period_start.getTime())) plan(periodOf(type, row.period_start, zone));
  }
  for (const day of input.dirtyDays[type]) plan(periodOfDay(type, day, zone));
  return inOrder(planned, input);
}

/** From the period of the first count to the running one, which exists once something was counted in it. */
function expectedPeriods(type: PeriodType, { firstCounted, now, zone }: PlanInput): Period[] {
  if (firstCounted === undefined) return [];
  const from = periodOf(type, firstCounted, zone).first_day;
  return periodsBetween(type, { from, to: localDay(now, zone) }, zone);
}

const isStale = (row: StoredPeriod, now: Date): boolean =>
  row.formula_version !== FORMULA_VERSION || (row.provisional && row.period_end <= now);

function inOrder(planned: ReadonlyMap<number, Period>, { range, now }: PlanInput): Period[] {
  return [...planned.values()]
    .filter((period) => period.start <= now && (range === undefined || startsIn(period, range)))
    .sort((a, b) => a.start.getTime() - b.start.getTime());
}

const startsIn = (period: Period, range: DateRange): boolean =>
  period.first_day >= range.from && period.first_day <= range.to;

/**
 * Whether a period has a document: one in which something was counted does, once it has begun, and an
 * empty one does when it is complete and the first count is not after it.
 */
export function mustExist(
  period: Period,
  state: { itemCount: number; firstCounted: Date | undefined; now: Date },
): boolean {
  if (state.itemCount > 0) return period.start <= state.now;
  return state.firstCounted !== undefined && period.end <= state.now && state.firstCounted < period.end;
}
