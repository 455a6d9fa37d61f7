import { describe, expect, it } from 'vitest';
import { decimal } from '../../../src/domain/decimal.ts';
import { delta } from '../../../src/domain/variance/document.ts';
import { decodeMap, decodeMapKey, encodeMapKey } from '../../../src/domain/variance/map-keys.ts';
import { type CategoryGroup, finalise, NO_GROUPS } from '../../../src/domain/variance/metrics.ts';
import { trendOf } from '../../../src/domain/variance/trend.ts';

const group = (over: Partial<CategoryGroup> = {}): CategoryGroup => ({
  category: 'A',
  counted: 3,
  varies: 1,
  unpriced: 0,
  within: 2,
  without_book: 0,
  net: decimal(-2.5),
  absolute: decimal(2.5),
  ...over,
});

describe('figures', () => {
  it('of nothing are 0, and 100 where they are accuracies', () => {
    expect(finalise(NO_GROUPS)).toMatchObject({
      total_items_counted: 0,
      variance_rate: 0,
      accuracy_score: 100,
      record_accuracy: 100,
      net_variance_value: 0,
      variance_by_category: {},
      variance_by_reason: {},
    });
  });

  it('are percentages at 4 places that add up to 100', () => {
    expect(finalise({ ...NO_GROUPS, categories: [group()] })).toMatchObject({
      variance_rate: 33.3333,
      accuracy_score: 66.6667,
      record_accuracy: 66.6667,
    });
  });

  it('add categories up before they are rounded, half away from zero', () => {
    const half = { ...group(), net: decimal(0.000025), absolute: decimal(0.000025) };
    const figures = finalise({ ...NO_GROUPS, categories: [half, { ...half, category: 'B' }] });
    expect(figures.net_variance_value).toBe(0.0001);
    expect(figures.variance_by_category['A']).toEqual({ count: 1, total_variance_value: 0 });
    const negative = { ...half, net: decimal(-0.00005) };
    expect(finalise({ ...NO_GROUPS, categories: [negative] }).net_variance_value).toBe(-0.0001);
  });

  it('leave out categories without a variance, and count items without a book apart', () => {
    const figures = finalise({
      ...NO_GROUPS,
      categories: [group(), group({ category: 'B', varies: 0, counted: 0, within: 0, without_book: 4 })],
    });
    expect(Object.keys(figures.variance_by_category)).toEqual(['A']);
    expect(figures).toMatchObject({ total_items_counted: 3, items_without_book: 4 });
  });

  it('name 200 reasons and put the rest into `other`, with what people called so', () => {
    const named = Array.from({ length: 199 }, (_, index) => ({ reason: `r${index}`, count: 2 }));
    const figures = finalise({
      ...NO_GROUPS,
      categories: [group({ counted: 500, varies: 450 })],
      reasons: [...named, { reason: 'other', count: 2 }],
    });
    expect(Object.keys(figures.variance_by_reason)).toHaveLength(200);
    expect(figures.variance_by_reason['other']).toBe(2 + 50);
  });

  it('do not depend on the order of groups', () => {
    const groups = [group({ category: 'b' }), group({ category: 'a' }), group({ category: '10' })];
    const forth = finalise({ ...NO_GROUPS, categories: groups, session_ids: ['s2', 's1'] });
    const back = finalise({ ...NO_GROUPS, categories: groups.toReversed(), session_ids: ['s1', 's2'] });
    expect(JSON.stringify(forth)).toBe(JSON.stringify(back));
  });
});

describe('the delta', () => {
  const period = (accuracy_score: number, total_items_counted: number) => ({
    accuracy_score,
    total_items_counted,
  });
  it.each([
    {
      name: 'both counted',
      now: period(90, 10),
      before: period(95.5, 4),
      change: -5.5,
      previous: 95.5,
      has: true,
    },
    {
      name: 'no document before',
      now: period(90, 10),
      before: undefined,
      change: 0,
      previous: 0,
      has: false,
    },
    {
      name: 'nothing counted before',
      now: period(90, 10),
      before: period(100, 0),
      change: 0,
      previous: 0,
      has: false,
    },
    {
      name: 'nothing counted now',
      now: period(100, 0),
      before: period(95, 4),
      change: 0,
      previous: 95,
      has: true,
    },
    { name: 'fractions', now: period(0.3, 1), before: period(0.1, 1), change: 0.2, previous: 0.1, has: true },
  ])('with $name', ({ now, before, change, previous, has }) => {
    expect(delta(now, before)).toEqual({
      previous_period_accuracy: previous,
      has_previous_period: has,
      accuracy_change: change,
    });
  });
});

describe('map keys', () => {
  it.each([
    { key: 'plain', stored: 'plain' },
    { key: '100 % wool', stored: '100 %25 wool' },
    { key: 'a.b.c', stored: 'a%2Eb%2Ec' },
    { key: '$price', stored: '%24price' },
    { key: 'US$', stored: 'US$' },
    { key: '%2E', stored: '%252E' },
    { key: '%24.$', stored: '%2524%2E$' },
  ])('$key is stored as $stored and read back', ({ key, stored }) => {
    expect(encodeMapKey(key)).toBe(stored);
    expect(decodeMapKey(stored)).toBe(key);
  });

  it('keep a key that JavaScript treats specially', () => {
    const map = decodeMap(JSON.parse('{"__proto__": 1, "a%2Eb": 2}') as Record<string, number>);
    expect(Object.entries(map)).toEqual([
      ['__proto__', 1],
      ['a.b', 2],
    ]);
  });
});

describe('a trend', () => {
  const point = (total_items_counted: number, items_with_variance: number) => ({
    total_items_counted,
    items_with_variance,
  });
  it.each([
    { name: 'nothing', points: [], avg: 100, direction: 'stable', percent: 0 },
    { name: 'one point', points: [point(10, 1)], avg: 90, direction: 'stable', percent: 0 },
    { name: 'a rise', points: [point(10, 2), point(10, 1)], avg: 85, direction: 'improving', percent: 10 },
    {
      name: 'a fall',
      points: [point(10, 0), point(0, 0), point(10, 1)],
      avg: 95,
      direction: 'declining',
      percent: -10,
    },
    {
      name: 'weights',
      points: [point(990, 0), point(10, 10)],
      avg: 99,
      direction: 'declining',
      percent: -100,
    },
    {
      name: 'noise',
      points: [point(1000, 10), point(1000, 6)],
      avg: 99.2,
      direction: 'stable',
      percent: 0.4,
    },
  ])('of $name', ({ points, avg, direction, percent }) => {
    expect(trendOf(points)).toEqual({
      avg_accuracy: avg,
      trend_direction: direction,
      trend_percent: percent,
    });
  });
});
