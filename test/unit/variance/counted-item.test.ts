import { describe, expect, it } from 'vitest';
import { toNumber } from '../../../src/domain/decimal.ts';
import { type CountedLine, compareText, countedItem } from '../../../src/domain/variance/counted-item.ts';
import { dirtyDays } from '../../../src/domain/variance/dirty-days.ts';

const line = (over: Partial<CountedLine> = {}): CountedLine => ({
  location: '',
  counted_qty: 5,
  erp_qty: 4,
  unit_value: 2,
  category: 'A',
  variance_reason: 'r',
  counted_at: new Date('2025-06-10T10:00:00Z'),
  updated_at: new Date('2025-06-10T10:00:01Z'),
  ...over,
});
const at = (time: string) => new Date(`2025-06-10T${time}Z`);

describe('a counted item', () => {
  it('sums its locations exactly and takes the rest from its latest line', () => {
    const item = countedItem([
      line({ location: 'a', counted_qty: 0.1, counted_at: at('11:00:00'), erp_qty: 0.3, category: 'B' }),
      line({ location: 'b', counted_qty: 0.2, erp_qty: 99 }),
    ]);
    expect(toNumber(item!.quantity)).toBe(0.3);
    expect(item).toMatchObject({ category: 'B', has_variance: false, counted_at: at('11:00:00') });
  });

  it.each([
    { by: 'counted_at', a: { counted_at: at('12:00:00') }, b: { updated_at: at('23:00:00') } },
    { by: 'updated_at', a: { updated_at: at('12:00:00') }, b: { location: 'z' } },
    { by: 'location', a: { location: 'b' }, b: { location: 'a' } },
    { by: 'location, by code points', a: { location: '\u{1F4E6}' }, b: { location: '\uFF21' } },
  ])('has the line that is later by $by, in any order', ({ a, b }) => {
    const later = line({ category: 'later', ...a });
    const earlier = line({ category: 'earlier', ...b });
    expect(countedItem([later, earlier])?.category).toBe('later');
    expect(countedItem([earlier, later])?.category).toBe('later');
  });

  it.each([
    { name: 'a book of its own', over: {}, variance: 1, value: 2, varies: true },
    { name: 'no book', over: { erp_qty: null }, variance: null, value: 0, varies: false },
    { name: 'no unit value', over: { unit_value: null }, variance: 1, value: 0, varies: true },
    { name: 'less than the book', over: { counted_qty: 0 }, variance: -4, value: -8, varies: true },
    { name: 'a book of 0', over: { erp_qty: 0 }, variance: 5, value: 10, varies: true },
  ])('with $name', ({ over, variance, value, varies }) => {
    const item = countedItem([line(over)])!;
    expect(item.variance && toNumber(item.variance)).toBe(variance);
    expect(toNumber(item.variance_value)).toBe(value);
    expect(item.has_variance).toBe(varies);
  });

  it.each([
    { name: 'voided', over: { voided_at: at('13:00:00') } },
    { name: 'rejected by the app', over: { status: 'rejected' } },
    { name: 'rejected by its approval', over: { approval_status: 'REJECTED' } },
  ])('does not count lines that are $name', ({ over }) => {
    expect(countedItem([line(over)])).toBeUndefined();
    expect(toNumber(countedItem([line(over), line({ location: 'x' })])!.quantity)).toBe(5);
  });
});

describe('dirty days', () => {
  const june10 = line();
  const june12 = line({ location: 'x', counted_at: new Date('2025-06-12T10:00:00Z') });
  it.each([
    { what: 'a first count', before: [], after: [june10], days: ['2025-06-10'] },
    {
      what: 'a recount on the same day',
      before: [june10],
      after: [line({ counted_qty: 9 })],
      days: ['2025-06-10'],
    },
    {
      what: 'a count that moves the item',
      before: [june10],
      after: [june10, june12],
      days: ['2025-06-10', '2025-06-12'],
    },
    {
      what: 'a correction of an earlier line',
      before: [june10, june12],
      after: [line({ counted_qty: 9 }), june12],
      days: ['2025-06-12'],
    },
    { what: 'a void', before: [june10], after: [line({ voided_at: at('14:00:00') })], days: ['2025-06-10'] },
    {
      what: 'a void of the latest line',
      before: [june10, june12],
      after: [june10, { ...june12, voided_at: at('14:00:00') }],
      days: ['2025-06-12', '2025-06-10'],
    },
    { what: 'nothing that counts', before: [], after: [line({ voided_at: at('14:00:00') })], days: [] },
  ])('of $what', ({ before, after, days }) => {
    expect(dirtyDays(before, after, 'Europe/Berlin')).toEqual(days);
  });

  it('are local days', () => {
    const late = line({ counted_at: new Date('2025-06-10T22:30:00Z') });
    expect(dirtyDays([], [late], 'Europe/Berlin')).toEqual(['2025-06-11']);
    expect(dirtyDays([], [late], 'America/New_York')).toEqual(['2025-06-10']);
  });
});

it('orders text by code points', () => {
  expect(['b', 'a', 'ab', '\u{1F4E6}', '\uFF21', ''].sort(compareText)).toEqual([
    '',
    'a',
    'ab',
    'b',
    '\uFF21',
    '\u{1F4E6}',
  ]);
});
