import { describe, expect, test } from 'vitest';
import { parseCron } from '../../../src/domain/schedules/cron-expression.ts';
import { dueTimes, latestDue, nextDue } from '../../../src/domain/schedules/due-times.ts';

const list = (expression: string, zone: string, after: string, until: string): string[] =>
  [...dueTimes({ cron: parseCron(expression), zone }, new Date(after), new Date(until))].map((time) =>
    time.toISOString().replace(':00.000Z', 'Z'),
  );

describe('a nightly run comes once per local day', () => {
  test.each([
    [
      'in a spring gap at its end (02:30 in Berlin)',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T00:00Z',
      '2026-03-30T12:00Z',
      ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'in an autumn overlap at its first occurrence (02:30 in Berlin)',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      '2026-10-26T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'in a gap of half an hour (Lord Howe, 02:00 to 02:30)',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-02T12:00Z',
      '2026-10-04T18:00Z',
      ['2026-10-02T15:45Z', '2026-10-03T15:30Z', '2026-10-04T15:15Z'],
    ],
    [
      'in an overlap of half an hour (Lord Howe, 02:00 to 01:30)',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2026-04-03T12:00Z',
      '2026-04-05T18:00Z',
      ['2026-04-03T14:45Z', '2026-04-04T14:45Z', '2026-04-05T15:15Z'],
    ],
    [
      'in a gap at midnight (Havana, 00:00 to 01:00)',
      '30 0 * * *',
      'America/Havana',
      '2024-03-09T12:00Z',
      '2024-03-11T12:00Z',
      ['2024-03-10T05:00Z', '2024-03-11T04:30Z'],
    ],
    [
      'in a zone of 45 minutes (Kathmandu)',
      '30 0 * * *',
      'Asia/Kathmandu',
      '2026-01-01T00:00Z',
      '2026-01-03T00:00Z',
      ['2026-01-01T18:45Z', '2026-01-02T18:45Z'],
    ],
  ])('%s', (_name, expression, zone, after, until, due) => {
    expect(list(expression, zone, after, until)).toEqual(due);
  });

  test.each(['Europe/Berlin', 'Australia/Lord_Howe', 'America/Havana', 'America/Santiago', 'Africa/Cairo'])(
    'on 365 days of 2025 in %s, at whatever half hour',
    (zone) => {
      for (const hour of [0, 1, 2, 3, 23]) {
        for (const minute of [0, 30]) {
          const due = list(`${minute} ${hour} * * *`, zone, '2025-01-01T12:00Z', '2026-01-01T12:00Z');
          expect(due).toHaveLength(365);
        }
      }
    },
  );
});

test('times in one gap are one', () => {
  const due = list('*/15 * * * *', 'Europe/Berlin', '2026-03-29T00:30Z', '2026-03-29T01:30Z');
  expect(due).toEqual(['2026-03-29T00:45Z', '2026-03-29T01:00Z', '2026-03-29T01:15Z', '2026-03-29T01:30Z']);
});

describe('the range', () => {
  test('leaves its beginning out and takes its end in', () => {
    expect(list('0 * * * *', 'UTC', '2026-01-01T00:00Z', '2026-01-01T02:00Z')).toEqual([
      '2026-01-01T01:00Z',
      '2026-01-01T02:00Z',
    ]);
  });
  test.each([
    ['2026-01-01T00:00Z', '2026-01-01T00:00Z'],
    ['2026-01-02T00:00Z', '2026-01-01T00:00Z'],
  ])('(%s, %s] is empty', (after, until) => {
    expect(list('* * * * *', 'UTC', after, until)).toEqual([]);
  });
});

describe('the calendar', () => {
  test('month ends', () => {
    expect(list('0 0 31 * *', 'UTC', '2026-01-01T00:00Z', '2026-06-30T00:00Z')).toEqual([
      '2026-01-31T00:00Z',
      '2026-03-31T00:00Z',
      '2026-05-31T00:00Z',
    ]);
  });
  test('the leap day, over the year 2100 that has none', () => {
    expect(list('0 0 29 2 *', 'UTC', '2095-01-01T00:00Z', '2105-01-01T00:00Z')).toEqual([
      '2096-02-29T00:00Z',
      '2104-02-29T00:00Z',
    ]);
  });
  test('either day field when both are restricted', () => {
    expect(list('0 0 13 * fri', 'UTC', '2026-02-10T00:00Z', '2026-02-21T00:00Z')).toEqual([
      '2026-02-13T00:00Z',
      '2026-02-20T00:00Z',
    ]);
    expect(list('0 0 10 * fri', 'UTC', '2026-02-05T12:00Z', '2026-02-14T00:00Z')).toEqual([
      '2026-02-06T00:00Z',
      '2026-02-10T00:00Z',
      '2026-02-13T00:00Z',
    ]);
  });
});

describe('an expression that never matches', () => {
  const never = { cron: parseCron('0 0 31 2,4 *'), zone: 'Europe/Berlin' };
  test('has no due times in a thousand years, and says so soon', () => {
    const started = performance.now();
    expect([...dueTimes(never, new Date('2000-01-01'), new Date('3000-01-01'))]).toEqual([]);
    expect(nextDue(never, new Date('2026-01-01'))).toBeUndefined();
    expect(latestDue(never, new Date('2000-01-01'), new Date('2026-01-01'))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

test('the next and the latest due time', () => {
  const nightly = { cron: parseCron('30 0 * * *'), zone: 'Europe/Berlin' };
  const now = new Date('2026-06-10T10:00:00Z');
  expect(nextDue(nightly, now)).toEqual(new Date('2026-06-10T22:30:00Z'));
  expect(latestDue(nightly, new Date('2025-01-01'), now)).toEqual(new Date('2026-06-09T22:30:00Z'));
  expect(latestDue(nightly, new Date('2026-06-10T00:00:00Z'), now)).toBeUndefined();
});

test('an unknown zone is refused', () => {
  expect(() => list('* * * * *', 'Mars/Olympus', '2026-01-01T00:00Z', '2026-01-01T01:00Z')).toThrow(
    RangeError,
  );
});
