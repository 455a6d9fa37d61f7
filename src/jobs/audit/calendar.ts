// The audit's own reading of the calendar, so that a mistake in the roll-up's cannot hide in both.
import { Temporal } from 'temporal-polyfill';
import type { PeriodType } from '../../contract/schemas/variance-analytics.ts';

const STEP = { daily: { days: 1 }, weekly: { weeks: 1 }, monthly: { months: 1 } } as const;

/** The first local date of the period that a date lies in. */
export function firstDateOf(type: PeriodType, date: Temporal.PlainDate): Temporal.PlainDate {
  if (type === 'daily') return date;
  if (type === 'monthly') return date.toPlainYearMonth().toPlainDate({ day: 1 });
  return date.subtract({ days: (date.dayOfWeek + 6) % 7 });
}

/** Periods of a type from the one that holds `from` on, as long as they begin at `until` or before. */
export function* periodsFrom(
  type: PeriodType,
  span: { from: Date; until: Date },
  zone: string,
): Generator<{ date: string; start: number; end: number }> {
  let date = firstDateOf(type, localDate(span.from, zone));
  for (;;) {
    const next = date.add(STEP[type]);
    const start = startOfDay(date, zone);
    const end = startOfDay(next, zone);
    if (start > span.until.getTime()) return;
    // A local day that a zone skipped lasts no time and is none.
    if (end > start) yield { date: date.toString(), start, end };
    date = next;
  }
}

const localDate = (instant: Date, zone: string): Temporal.PlainDate =>
  Temporal.Instant.from(instant.toISOString()).toZonedDateTimeISO(zone).toPlainDate();

const startOfDay = (date: Temporal.PlainDate, zone: string): number =>
  date.toPlainDateTime().toZonedDateTime(zone, { disambiguation: 'compatible' }).startOfDay()
    .epochMilliseconds;
