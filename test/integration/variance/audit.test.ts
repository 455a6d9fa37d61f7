import { afterAll, beforeAll, expect, it } from 'vitest';
import { readServerTime } from '../../../src/db/server-time.ts';
import { auditVariance } from '../../../src/jobs/audit/audit-variance.ts';
import { type AnalyticsDatabase, analyticsDatabase, rollUp } from './analytics-database.ts';
import { randomFrom, randomHistory } from './random-lines.ts';

const SETTINGS = { timezone: 'America/New_York', tolerancePercent: 5 };
const EVERYTHING = { from: '2000-01-01', to: '2100-01-01' };

let test: AnalyticsDatabase;
beforeAll(async () => {
  test = await analyticsDatabase();
  const now = await readServerTime(test.database);
  const start = new Date(now.getTime() - 60 * 86_400_000);
  await test.database.lines.insertMany(
    randomHistory(randomFrom(21), { start, end: now, sessions: 60, itemsPerSession: 8 }),
  );
  await rollUp(test.database, SETTINGS);
});
afterAll(() => test.close());

const audit = (range = EVERYTHING) => auditVariance(test.database, SETTINGS, range);

it('agrees with the roll-up', async () => {
  const report = await audit();
  expect(report.differences).toEqual([]);
  expect(report.expected).toBeGreaterThan(60);
  expect(report.stored).toBe(report.expected);
});

it('finds a tampered, a missing and an extra document, each by its name', async () => {
  const { analytics } = test.database;
  const [tampered, missing] = await analytics
    .find({ period_type: 'daily', total_items_counted: { $gt: 0 } })
    .sort({ period_start: 1 })
    .skip(10)
    .limit(2)
    .toArray();
  await analytics.updateOne({ _id: tampered!._id }, { $inc: { items_with_variance: 1 } });
  await analytics.deleteOne({ _id: missing!._id });
  const { _id, ...copy } = tampered!;
  await analytics.insertOne({ ...copy, period_start: new Date(copy.period_start.getTime() + 3_600_000) });
  const report = await audit();
  expect(report.differences.map((difference) => difference.kind).sort()).toEqual([
    'extra',
    'missing',
    'unequal',
  ]);
  const unequal = report.differences.find((difference) => difference.kind === 'unequal');
  expect(unequal?.fields.map((entry) => entry.field)).toEqual(['items_with_variance']);
  expect((await audit({ from: '2001-01-01', to: '2001-12-31' })).differences).toEqual([]);
});
