import { describe, expect, it } from 'vitest';
import { FORMULA_VERSION } from '../../../src/domain/variance/formula.ts';
import { periodOfDay, periodsBetween } from '../../../src/domain/variance/periods.ts';
import {
  mustExist,
  type PlanInput,
  planPeriods,
  type StoredPeriod,
} from '../../../src/domain/variance/plan.ts';

const ZONE = 'Europe/Berlin';
const NOW = new Date('2025-06-12T10:00:00Z');
const stored = (day: string, over: Partial<StoredPeriod> = {}): StoredPeriod => {
  const { start, end } = periodOfDay('daily', day, ZONE);
  return {
    period_type: 'daily',
    period_start: start,
    period_end: end,
    provisional: false,
    formula_version: FORMULA_VERSION,
    ...over,
  };
};
const ALL_STORED = periodsBetween('daily', { from: '2025-06-09', to: '2025-06-12' }, ZONE).map((period) =>
  stored(period.first_day, { provisional: period.end > NOW }),
);

const plan = (over: Partial<PlanInput>): string[] =>
  planPeriods({
    zone: ZONE,
    now: NOW,
    firstCounted: new Date('2025-06-09T10:00:00Z'),
    stored: ALL_STORED,
    dirtyDays: { daily: [], weekly: [], monthly: [] },
    types: ['daily'],
    reprocess: 'stale',
    ...over,
  }).recompute.map((period) => period.first_day);

const dirty = (...daily: string[]) => ({ daily, weekly: [], monthly: [] });

describe('the plan', () => {
  it.each<{ name: string; over: Partial<PlanInput>; days: string[] }>([
    { name: 'nothing, when all is well', over: {}, days: [] },
    {
      name: 'nothing, when nothing was ever counted',
      over: { firstCounted: undefined, stored: [] },
      days: [],
    },
    {
      name: 'missing periods, empty ones too, and the running one',
      over: { stored: ALL_STORED.slice(0, 1) },
      days: ['2025-06-10', '2025-06-11', '2025-06-12'],
    },
    { name: 'dirty ones', over: { dirtyDays: dirty('2025-06-10') }, days: ['2025-06-10'] },
    { name: 'none that has not begun', over: { dirtyDays: dirty('2025-06-13') }, days: [] },
    {
      name: 'provisional ones that have ended',
      over: {
        now: new Date('2025-06-13T00:00:00Z'),
        stored: [...ALL_STORED, stored('2025-06-13', { provisional: true })],
      },
      days: ['2025-06-12'],
    },
    {
      name: 'those of another formula',
      over: { stored: ALL_STORED.map((row, index) => (index === 1 ? { ...row, formula_version: 0 } : row)) },
      days: ['2025-06-10'],
    },
    {
      name: 'those before the first count',
      over: { firstCounted: new Date('2025-06-11T10:00:00Z') },
      days: ['2025-06-09', '2025-06-10'],
    },
    {
      name: 'only missing ones, when asked',
      over: { reprocess: 'missing', stored: ALL_STORED.slice(1), dirtyDays: dirty('2025-06-10') },
      days: ['2025-06-09'],
    },
    {
      name: 'all of a range, when asked',
      over: { reprocess: 'all', range: { from: '2025-06-10', to: '2025-06-11' } },
      days: ['2025-06-10', '2025-06-11'],
    },
  ])('takes $name', ({ over, days }) => {
    expect(plan(over)).toEqual(days);
  });

  it('makes a dirty day dirty its week and its month', () => {
    const days = ['2025-06-10'];
    const { recompute } = planPeriods({
      zone: ZONE,
      now: NOW,
      firstCounted: new Date('2025-06-09T10:00:00Z'),
      stored: [],
      dirtyDays: { daily: days, weekly: days, monthly: days },
      types: ['weekly', 'monthly'],
      reprocess: 'stale',
    });
    expect(recompute.map((period) => `${period.type} ${period.first_day}`)).toEqual([
      'weekly 2025-06-09',
      'monthly 2025-06-01',
    ]);
  });

  it('names documents that stand at no period’s start', () => {
    const row = { ...stored('2025-06-10'), period_start: new Date('2025-06-10T05:00:00Z') };
    const { remove } = planPeriods({
      zone: ZONE,
      now: NOW,
      firstCounted: new Date('2025-06-09T10:00:00Z'),
      stored: [row],
      dirtyDays: dirty(),
      types: ['daily'],
      reprocess: 'stale',
    });
    expect(remove).toEqual([{ type: 'daily', start: row.period_start }]);
  });
});

describe('a document', () => {
  const first = new Date('2025-06-09T10:00:00Z');
  it.each([
    {
      name: 'of a complete period with counts',
      day: '2025-06-10',
      items: 3,
      firstCounted: first,
      exists: true,
    },
    { name: 'of a complete empty period', day: '2025-06-10', items: 0, firstCounted: first, exists: true },
    {
      name: 'of the running period with counts',
      day: '2025-06-12',
      items: 1,
      firstCounted: first,
      exists: true,
    },
    {
      name: 'of the running period without',
      day: '2025-06-12',
      items: 0,
      firstCounted: first,
      exists: false,
    },
    { name: 'before the first count', day: '2025-06-08', items: 0, firstCounted: first, exists: false },
    { name: 'of a period to come', day: '2025-06-13', items: 1, firstCounted: first, exists: false },
    {
      name: 'when nothing was ever counted',
      day: '2025-06-10',
      items: 0,
      firstCounted: undefined,
      exists: false,
    },
  ])('$name: $exists', ({ day, items, firstCounted, exists }) => {
    const period = periodOfDay('daily', day, ZONE);
    expect(mustExist(period, { itemCount: items, firstCounted, now: NOW })).toBe(exists);
  });
});
