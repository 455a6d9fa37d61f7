import { describe, expect, test } from 'vitest';
import { time } from '../../../src/contract/schemas/fields.ts';

describe('a time, read', () => {
  test.each([
    ['Unix seconds', 1_772_445_600, '2026-03-02T10:00:00.000Z'],
    ['fractions of seconds', 1_772_445_600.123, '2026-03-02T10:00:00.123Z'],
    ['Unix ms', 1_772_445_600_123, '2026-03-02T10:00:00.123Z'],
    ['the last number of seconds', 99_999_999_999, '5138-11-16T09:46:39.000Z'],
    ['the first number of ms', 100_000_000_000, '1973-03-03T09:46:40.000Z'],
    ['zero', 0, '1970-01-01T00:00:00.000Z'],
    ['before 1970', -1, '1969-12-31T23:59:59.000Z'],
    ['ISO in UTC', '2026-03-02T10:00:00Z', '2026-03-02T10:00:00.000Z'],
    ['ISO with fractions', '2026-03-02T10:00:00.1239Z', '2026-03-02T10:00:00.123Z'],
    ['ISO with a zone', '2026-03-02T11:30:00+01:30', '2026-03-02T10:00:00.000Z'],
    ['ISO with a zone without colon', '2026-03-02T11:30:00+0130', '2026-03-02T10:00:00.000Z'],
    ['ISO without a zone: UTC', '2026-03-02T10:00:00', '2026-03-02T10:00:00.000Z'],
    ['ISO without seconds', '2026-03-02T10:00', '2026-03-02T10:00:00.000Z'],
    ['ISO with a blank', '2026-03-02 10:00:00', '2026-03-02T10:00:00.000Z'],
    ['a date alone', '2026-03-02', '2026-03-02T00:00:00.000Z'],
    ['a leap day', '2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['blanks around', ' 2026-03-02 ', '2026-03-02T00:00:00.000Z'],
  ])('%s: %j', (_name, given, expected) => {
    expect(time.parse(given).toISOString()).toBe(expected);
  });
});

describe('no time', () => {
  test.each([
    ['a day that does not exist', '2026-02-30'],
    ['no leap year', '2026-02-29T10:00:00Z'],
    ['month 13', '2026-13-01'],
    ['hour 25', '2026-03-02T25:00:00Z'],
    ['minute 60', '2026-03-02T10:60:00Z'],
    ['a zone of 99 hours', '2026-03-02T10:00:00+99:99'],
    ['words', 'yesterday'],
    ['nothing', ''],
    ['digits as text', '1772445600'],
    ['an American date', '03/02/2026'],
    ['two dates', '2026-03-02T10:00:00Z2026-03-02'],
    ['41 characters', `2026-03-02${' '.repeat(31)}`],
    ['beyond what a date can hold', 8.64e15 + 1],
    ['long before it', -8.64e12 - 1],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a truth', true],
    ['nobody', null],
    ['a date object', new Date()],
    ['an operator', { $gt: '' }],
  ])('%s: %j', (_name, given) => {
    expect(time.safeParse(given).success).toBe(false);
  });
});
