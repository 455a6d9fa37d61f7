import { Temporal } from 'temporal-polyfill';
import type { CronExpression } from './cron-expression.ts';

/** When something is due: an expression read in a zone. */
export interface Timetable {
  readonly cron: CronExpression;
  /** IANA name. */
  readonly zone: string;
}

const DAY_MS = 86_400_000;
const ONE_DAY = { days: 1 };

/**
 * The due times in (`after`, `until`], strictly increasing, found as they are asked for. A local time is
 * due at the first instant at which the zone's clocks show it or have jumped over it: in a gap at the gap's
 * end, in an overlap at its first occurrence (rules, "Schedules"). Times that fall together are one.
 *
 * The work is bounded by the local dates in the range, and months that do not match cost one step each.
 * Throws RangeError for an unknown zone.
 */
export function* dueTimes(timetable: Timetable, after: Date, until: Date): Generator<Date, void> {
  const { cron, zone } = timetable;
  const afterMs = after.getTime();
  const untilMs = until.getTime();
  if (afterMs >= untilMs) return;
  // A day more at both ends: clocks set back across midnight show the date of yesterday again.
  const end = localDate(untilMs, zone).add(ONE_DAY);
  let last = afterMs;
  for (let date = localDate(afterMs, zone).subtract(ONE_DAY); ; ) {
    if (Temporal.PlainDate.compare(date, end) > 0) return;
    if (!cron.months.has(date.month)) {
      date = date.with({ day: 1 }).add({ months: 1 });
      continue;
    }
    if (matchesDay(cron, date)) {
      for (const ms of instantsOfDay(timetable, date)) {
        if (ms > untilMs) return;
        if (ms <= last) continue;
        last = ms;
        yield new Date(ms);
      }
    }
    date = date.add(ONE_DAY);
  }
}

/** No calendar makes an expression wait longer: 29 February on given weekdays comes within 40 years. */
const FAR_YEARS = 50;

/** The first due time after an instant; undefined when the expression can never match. */
export function nextDue(timetable: Timetable, after: Date): Date | undefined {
  const until = new Date(after.getTime() + FAR_YEARS * 366 * DAY_MS);
  return dueTimes(timetable, after, until).next().value ?? undefined;
}

/** The latest due time in (`after`, `until`], without listing those before it. */
export function latestDue(timetable: Timetable, after: Date, until: Date): Date | undefined {
  for (let span = DAY_MS / 24; ; span *= 8) {
    const from = new Date(Math.max(after.getTime(), until.getTime() - span));
    const found = [...dueTimes(timetable, from, until)].at(-1);
    if (found || from.getTime() <= after.getTime()) return found;
  }
}

function matchesDay(cron: CronExpression, date: Temporal.PlainDate): boolean {
  const byMonth = cron.daysOfMonth.has(date.day);
  const byWeek = cron.daysOfWeek.has(date.dayOfWeek % 7);
  return cron.eitherDay ? byMonth || byWeek : byMonth && byWeek;
}

/** The instants of a date's matching wall-clock times, not decreasing. */
function* instantsOfDay({ cron, zone }: Timetable, date: Temporal.PlainDate): Generator<number, void> {
  const start = startOf(date, zone);
  // Zones change on a handful of days a year; on all others the wall clock is the time since midnight.
  const steady = startOf(date.add(ONE_DAY), zone) - start === DAY_MS;
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) {
      for (const second of cron.seconds) {
        yield steady
          ? start + ((hour * 60 + minute) * 60 + second) * 1000
          : firstReached(date.toPlainDateTime({ hour, minute, second }), zone);
      }
    }
  }
}

function firstReached(wall: Temporal.PlainDateTime, zone: string): number {
  const earlier = wall.toZonedDateTime(zone, { disambiguation: 'earlier' });
  if (earlier.toPlainDateTime().equals(wall)) return earlier.epochMilliseconds;
  // In a gap `earlier` lies before it; the gap ends at the next change of the zone's clocks.
  const gap = earlier.getTimeZoneTransition('next');
  return (gap ?? wall.toZonedDateTime(zone)).epochMilliseconds;
}

const startOf = (date: Temporal.PlainDate, zone: string): number =>
  date.toZonedDateTime(zone).epochMilliseconds;

const localDate = (ms: number, zone: string): Temporal.PlainDate =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
