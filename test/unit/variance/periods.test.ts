import { describe, expect, it } from 'vitest';
import { rangeProblem } from '../../../src/domain/variance/date-range.ts';
import {
  daysOfForeignDay,
  localDay,
  nextPeriod,
  PERIOD_TYPES,
  periodOf,
  periodOfDay,
  periodsBetween,
  previousPeriod,
} from '../../../src/domain/variance/periods.ts';

const HOUR = 3_600_000;
const bounds = (type: 'daily' | 'weekly' | 'monthly', day: string, zone: string): string[] => {
  const { start, end } = periodOfDay(type, day, zone);
  return [start.toISOString(), end.toISOString()];
};

describe('local days', () => {
  it.each([
    { zone: 'Europe/Berlin', day: '2025-03-30', hours: 23, start: '2025-03-29T23:00:00.000Z' },
    { zone: 'Europe/Berlin', day: '2025-10-26', hours: 25, start: '2025-10-25T22:00:00.000Z' },
    { zone: 'America/New_York', day: '2025-03-09', hours: 23, start: '2025-03-09T05:00:00.000Z' },
    { zone: 'America/New_York', day: '2025-11-02', hours: 25, start: '2025-11-02T04:00:00.000Z' },
    { zone: 'Asia/Kathmandu', day: '2025-06-01', hours: 24, start: '2025-05-31T18:15:00.000Z' },
    { zone: 'Australia/Lord_Howe', day: '2025-04-06', hours: 24.5, start: '2025-04-05T13:00:00.000Z' },
    { zone: 'Australia/Lord_Howe', day: '2025-10-05', hours: 23.5, start: '2025-10-04T13:30:00.000Z' },
    // Midnight lies in the gap: the day starts at 01:00.
    { zone: 'America/Havana', day: '2024-03-10', hours: 23, start: '2024-03-10T05:00:00.000Z' },
    { zone: 'America/Havana', day: '2024-11-03', hours: 25, start: '2024-11-03T04:00:00.000Z' },
  ])('$day in $zone lasts $hours hours', ({ zone, day, hours, start }) => {
    const period = periodOfDay('daily', day, zone);
    expect(period.start.toISOString()).toBe(start);
    expect((period.end.getTime() - period.start.getTime()) / HOUR).toBe(hours);
    expect(localDay(period.start, zone)).toBe(day);
    expect(localDay(new Date(period.end.getTime() - 1), zone)).toBe(day);
    expect(localDay(period.end, zone)).not.toBe(day);
    expect(localDay(new Date(period.start.getTime() - 1), zone)).not.toBe(day);
  });

  it('keeps an hour that clocks repeat across midnight on the day that had begun', () => {
    // St. John's, 7 November 2010, 00:01 back to 23:01: that second 23:30 lies after the start of the 7th.
    expect(localDay(new Date('2010-11-07T02:29:30Z'), 'America/St_Johns')).toBe('2010-11-06');
    expect(localDay(new Date('2010-11-07T03:00:00Z'), 'America/St_Johns')).toBe('2010-11-07');
  });

  it('refuses a zone that does not exist', () => {
    expect(() => localDay(new Date(0), 'Mars/Olympus')).toThrow(RangeError);
  });
});

describe('weeks and months', () => {
  it.each([
    // ISO week 53 of 2020 runs into 2021.
    { type: 'weekly', day: '2021-01-03', first: '2020-12-28', last: '2021-01-03' },
    { type: 'weekly', day: '2021-01-04', first: '2021-01-04', last: '2021-01-10' },
    { type: 'weekly', day: '2024-12-31', first: '2024-12-30', last: '2025-01-05' },
    { type: 'monthly', day: '2024-02-29', first: '2024-02-01', last: '2024-02-29' },
    { type: 'monthly', day: '2025-12-31', first: '2025-12-01', last: '2025-12-31' },
  ] as const)('the $type period of $day is $first to $last', ({ type, day, first, last }) => {
    expect(periodOfDay(type, day, 'UTC')).toMatchObject({ first_day: first, last_day: last });
  });

  it('begin and end with local days, also over a change of clocks', () => {
    expect(bounds('weekly', '2025-03-30', 'Europe/Berlin')).toEqual([
      '2025-03-23T23:00:00.000Z',
      '2025-03-30T22:00:00.000Z',
    ]);
    expect(bounds('monthly', '2025-10-15', 'Europe/Berlin')).toEqual([
      '2025-09-30T22:00:00.000Z',
      '2025-10-31T23:00:00.000Z',
    ]);
  });
});

describe.each([
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Havana',
])('all periods of 2019 to 2026 in %s', (zone) => {
  it.each(PERIOD_TYPES)('%s ones follow each other without gap or overlap', (type) => {
    const periods = periodsBetween(type, { from: '2019-01-01', to: '2026-12-31' }, zone);
    for (const [index, period] of periods.entries()) {
      const next = periods[index + 1];
      if (!next) break;
      expect(period.end).toEqual(next.start);
      expect(nextPeriod(period, zone)).toEqual(next);
      expect(previousPeriod(next, zone)).toEqual(period);
      expect(periodOf(type, period.start, zone)).toEqual(period);
    }
    expect(periods.length).toBe({ daily: 2922, weekly: 417, monthly: 96 }[type]);
  });
});

it('skips a date that its zone skipped', () => {
  const days = periodsBetween('daily', { from: '2011-12-29', to: '2011-12-31' }, 'Pacific/Apia');
  expect(days.map((day) => day.first_day)).toEqual(['2011-12-29', '2011-12-31']);
  expect(nextPeriod(days[0]!, 'Pacific/Apia').first_day).toBe('2011-12-31');
});

it('gives a range the periods that start in it, both ends inclusive', () => {
  const weeks = periodsBetween('weekly', { from: '2025-01-01', to: '2025-01-20' }, 'UTC');
  expect(weeks.map((week) => week.first_day)).toEqual(['2025-01-06', '2025-01-13', '2025-01-20']);
});

it.each([
  { day: '2025-06-10', from: 'Asia/Kathmandu', zone: 'UTC', days: ['2025-06-09', '2025-06-10'] },
  { day: '2025-06-10', from: 'UTC', zone: 'UTC', days: ['2025-06-10'] },
  {
    day: '2025-06-10',
    from: 'Pacific/Kiritimati',
    zone: 'Pacific/Pago_Pago',
    days: ['2025-06-08', '2025-06-09'],
  },
  { day: '2011-12-30', from: 'Pacific/Apia', zone: 'UTC', days: [] },
])('the day $day of $from touches $days in $zone', ({ day, from, zone, days }) => {
  expect(daysOfForeignDay(day, from, zone)).toEqual(days);
});

it.each([
  { from: '2025-01-01', to: '2025-01-01', problem: undefined },
  { from: '2024-02-29', to: '2024-03-01', problem: undefined },
  { from: '2025-02-29', to: '2025-03-01', problem: '--from must be a date that exists' },
  { from: '2025-01-01', to: '1.3.2025', problem: '--to must be a date that exists' },
  { from: '2025-01-02', to: '2025-01-01', problem: '--from must not be after --to' },
  { from: '1025-01-01', to: '2025-01-01', problem: 'more than 3660 days apart' },
])('the range $from..$to: $problem', ({ from, to, problem }) => {
  const found = rangeProblem({ from, to }, { from: '--from', to: '--to' });
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});
