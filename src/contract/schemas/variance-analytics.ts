import { z } from 'zod';

export const periodType = z.enum(['daily', 'weekly', 'monthly']);
export type PeriodType = z.infer<typeof periodType>;

/** One period's figures (seed "VarianceAnalytics", contract 5, rules "Periods and numbers"). */
export const varianceAnalytics = z.object({
  period_type: periodType,
  period_start: z.date(),
  /** Exclusive. */
  period_end: z.date(),
  timezone: z.string(),
  total_items_counted: z.int(),
  items_with_variance: z.int(),
  variance_rate: z.number(),
  accuracy_score: z.number(),
  variance_by_category: z.record(z.string(), z.object({ count: z.int(), total_variance_value: z.number() })),
  variance_by_reason: z.record(z.string(), z.int()),
  previous_period_accuracy: z.number(),
  has_previous_period: z.boolean(),
  accuracy_change: z.number(),
  distinct_items: z.int(),
  net_variance_value: z.number(),
  absolute_variance_value: z.number(),
  items_without_book: z.int(),
  unpriced_items: z.int(),
  items_within_tolerance: z.int(),
  record_accuracy: z.number(),
  provisional: z.boolean(),
  session_ids: z.array(z.string()),
  formula_version: z.int(),
  generation: z.int(),
  generated_at: z.date(),
  generated_by: z.string(),
});

export type VarianceAnalytics = z.infer<typeof varianceAnalytics>;
