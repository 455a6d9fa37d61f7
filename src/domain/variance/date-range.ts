import { Temporal } from 'temporal-polyfill';
import { type DateRange, daysInRange } from './periods.ts';

/** Ten years: what one request may span. More is a slip of the finger. */
export const MAX_RANGE_DAYS = 3_660;

/**
 * What is wrong with a range of local dates, as one sentence, or undefined when nothing is. The names are
 * those that the caller's person typed, such as `--from`.
 */
export function rangeProblem(
  range: DateRange,
  names: { from: string; to: string },
  maxDays: number = MAX_RANGE_DAYS,
): string | undefined {
  for (const side of ['from', 'to'] as const) {
    if (!isDate(range[side])) return `${names[side]} must be a date that exists, written YYYY-MM-DD`;
  }
  const days = daysInRange(range);
  if (days < 1) return `${names.from} must not be after ${names.to}`;
  return days > maxDays ? `${names.from} and ${names.to} are more than ${maxDays} days apart` : undefined;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    Temporal.PlainDate.from(text);
    return true;
  } catch {
    return false;
  }
}
