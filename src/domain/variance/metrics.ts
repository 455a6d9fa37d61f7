import type { VarianceAnalytics } from '../../contract/schemas/variance-analytics.ts';
import { add, type Decimal, round4, toNumber, ZERO } from '../decimal.ts';
import { compareText } from './counted-item.ts';
import { OTHER_REASONS } from './formula.ts';
import { encodeMapKey } from './map-keys.ts';
import { percent } from './percent.ts';

/** The counted items of one category. All but `without_book` count items that have a book. */
export interface CategoryGroup {
  category: string;
  counted: number;
  varies: number;
  unpriced: number;
  within: number;
  without_book: number;
  net: Decimal;
  absolute: Decimal;
}

/** A period's counted items, grouped: what the database hands over, however many lines there are. */
export interface PeriodGroups {
  categories: readonly CategoryGroup[];
  /** Items with variance by reason: the 200 largest by count, then by text. */
  reasons: readonly { reason: string; count: number }[];
  distinct_items: number;
  session_ids: readonly string[];
}

export const NO_GROUPS: PeriodGroups = { categories: [], reasons: [], distinct_items: 0, session_ids: [] };

/** The fields of a document that follow from its own period alone. */
export type PeriodFigures = Pick<
  VarianceAnalytics,
  | 'total_items_counted'
  | 'items_with_variance'
  | 'variance_rate'
  | 'accuracy_score'
  | 'variance_by_category'
  | 'variance_by_reason'
  | 'distinct_items'
  | 'net_variance_value'
  | 'absolute_variance_value'
  | 'items_without_book'
  | 'unpriced_items'
  | 'items_within_tolerance'
  | 'record_accuracy'
  | 'session_ids'
>;

/** Adds the groups up exactly and rounds once, at the end (rules, "Periods and numbers"). */
export function finalise(groups: PeriodGroups): PeriodFigures {
  const count = (of: (group: CategoryGroup) => number): number =>
    groups.categories.reduce((sum, group) => sum + of(group), 0);
  const total = count((group) => group.counted);
  const withVariance = count((group) => group.varies);
  const within = count((group) => group.within);
  const rate = percent(withVariance, total);
  return {
    total_items_counted: total,
    items_with_variance: withVariance,
    variance_rate: rate,
    accuracy_score: round4(100 - rate),
    variance_by_category: byCategory(groups.categories),
    variance_by_reason: byReason(groups.reasons, withVariance),
    distinct_items: groups.distinct_items,
    net_variance_value: toNumber(groups.categories.reduce((sum, group) => add(sum, group.net), ZERO)),
    absolute_variance_value: toNumber(
      groups.categories.reduce((sum, group) => add(sum, group.absolute), ZERO),
    ),
    items_without_book: count((group) => group.without_book),
    unpriced_items: count((group) => group.unpriced),
    items_within_tolerance: within,
    record_accuracy: total === 0 ? 100 : percent(within, total),
    session_ids: [...groups.session_ids].sort(compareText),
  };
}

/** How many counted items there are, with or without a book. */
export const countOfItems = (figures: PeriodFigures): number =>
  figures.total_items_counted + figures.items_without_book;

const byCategory = (categories: readonly CategoryGroup[]): PeriodFigures['variance_by_category'] =>
  sortedMap(
    categories
      .filter((group) => group.varies > 0)
      .map((group) => [group.category, { count: group.varies, total_variance_value: toNumber(group.net) }]),
  );

function byReason(largest: PeriodGroups['reasons'], withVariance: number): Record<string, number> {
  const counts = new Map(largest.map(({ reason, count }) => [reason, count]));
  const rest = withVariance - largest.reduce((sum, { count }) => sum + count, 0);
  // People may write "other" themselves.
  if (rest > 0) counts.set(OTHER_REASONS, (counts.get(OTHER_REASONS) ?? 0) + rest);
  return sortedMap([...counts]);
}

const sortedMap = <T>(entries: [string, T][]): Record<string, T> =>
  Object.fromEntries(
    entries.sort(([a], [b]) => compareText(a, b)).map(([key, value]) => [encodeMapKey(key), value]),
  );
