import { isDeepStrictEqual } from 'node:util';
import type { VarianceAnalytics } from '../../contract/schemas/variance-analytics.ts';
import { round4 } from '../decimal.ts';
import { FORMULA_VERSION } from './formula.ts';
import type { PeriodFigures } from './metrics.ts';
import type { Period } from './periods.ts';

/** A document without what tells its versions apart: equal content is not written again (invariant A1). */
export type DocumentContent = Omit<VarianceAnalytics, 'generation' | 'generated_at' | 'generated_by'>;

type Accuracy = Pick<VarianceAnalytics, 'accuracy_score' | 'total_items_counted'>;
type Delta = Pick<VarianceAnalytics, 'previous_period_accuracy' | 'has_previous_period' | 'accuracy_change'>;

/** How a period compares with the one just before; a side where nothing was counted compares with nothing. */
export function delta(current: Accuracy, previous: Accuracy | undefined): Delta {
  const hasPrevious = previous !== undefined && previous.total_items_counted > 0;
  const before = hasPrevious ? previous.accuracy_score : 0;
  const comparable = hasPrevious && current.total_items_counted > 0;
  return {
    previous_period_accuracy: before,
    has_previous_period: hasPrevious,
    accuracy_change: comparable ? round4(current.accuracy_score - before) : 0,
  };
}

/** What a period's document says. `now` decides whether it is provisional. */
export function documentContent(
  period: Period,
  figures: PeriodFigures,
  context: { previous: Accuracy | undefined; timezone: string; now: Date },
): DocumentContent {
  return {
    period_type: period.type,
    period_start: period.start,
    period_end: period.end,
    timezone: context.timezone,
    total_items_counted: figures.total_items_counted,
    items_with_variance: figures.items_with_variance,
    variance_rate: figures.variance_rate,
    accuracy_score: figures.accuracy_score,
    variance_by_category: figures.variance_by_category,
    variance_by_reason: figures.variance_by_reason,
    ...delta(figures, context.previous),
    distinct_items: figures.distinct_items,
    net_variance_value: figures.net_variance_value,
    absolute_variance_value: figures.absolute_variance_value,
    items_without_book: figures.items_without_book,
    unpriced_items: figures.unpriced_items,
    items_within_tolerance: figures.items_within_tolerance,
    record_accuracy: figures.record_accuracy,
    provisional: period.end > context.now,
    session_ids: figures.session_ids,
    formula_version: FORMULA_VERSION,
  };
}

/** Whether a stored document says what these fields say; fields that only it has do not count. */
export function saysTheSame(stored: VarianceAnalytics, content: Partial<VarianceAnalytics>): boolean {
  return Object.entries(content).every(([field, value]) =>
    isDeepStrictEqual(stored[field as keyof VarianceAnalytics], value),
  );
}
