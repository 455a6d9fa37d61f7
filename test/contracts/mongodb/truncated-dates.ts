import { Temporal } from 'temporal-polyfill';
import { expect, it } from 'vitest';
import { type CurrentDatabase, freshCollection } from './helpers.ts';

// Zones with a DST change in spring and autumn, with half-hour offsets, with a change at midnight, and none.
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];
const UNITS = ['day', 'week', 'month', 'quarter', 'year'] as const;
const FIRST = Temporal.Instant.from('2024-01-01T00:30:00Z');
// 13 h apart, so that every hour of the day comes up, through a leap year.
const COUNT = 676;

export function truncatedDates(current: CurrentDatabase): void {
  it('agrees with Temporal on days, weeks from Monday, months, quarters and years in five zones', async () => {
    const instants = await freshCollection(current());
    const all = Array.from({ length: COUNT }, (_, index) => FIRST.add({ hours: 13 * index }));
    await instants.insertMany(all.map((instant, _id) => ({ _id, at: new Date(instant.epochMilliseconds) })));
    for (const timezone of ZONES) {
      const truncated = Object.fromEntries(
        UNITS.map((unit) => [unit, { $dateTrunc: { date: '$at', unit, timezone, startOfWeek: 'monday' } }]),
      );
      const answers = await instants.aggregate([{ $sort: { _id: 1 } }, { $project: truncated }]).toArray();
      const wrong = answers.flatMap((answer, index) =>
        UNITS.filter((unit) => +answer[unit] !== startOf(unit, all[index]!.toZonedDateTimeISO(timezone))).map(
          (unit) => `${unit} of ${all[index]} in ${timezone}: ${(answer[unit] as Date).toISOString()}`,
        ),
      );
      expect(wrong).toEqual([]);
    }
  });

  it('starts weeks on Sunday unless told, and leaves null alone', async () => {
    const instants = await freshCollection(current());
    await instants.insertMany([
      { _id: 1, at: new Date('2025-03-05T10:00:00Z') },
      { _id: 2, at: null },
    ]);
    const week = { $dateTrunc: { date: '$at', unit: 'week' } };
    const answers = await instants.aggregate([{ $sort: { _id: 1 } }, { $project: { week } }]).toArray();
    expect(answers.map((answer) => answer['week'])).toEqual([new Date('2025-03-02T00:00:00Z'), null]);
  });
}

function startOf(unit: (typeof UNITS)[number], at: Temporal.ZonedDateTime): number {
  const day = at.toPlainDate();
  const start = {
    day,
    week: day.subtract({ days: day.dayOfWeek - 1 }),
    month: day.with({ day: 1 }),
    quarter: day.with({ day: 1, month: day.month - ((day.month - 1) % 3) }),
    year: day.with({ day: 1, month: 1 }),
  }[unit];
  return start.toZonedDateTime(at.timeZoneId).epochMilliseconds;
}
