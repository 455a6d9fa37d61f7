import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readServerTime } from '../../../src/db/server-time.ts';
import {
  type AnalyticsDatabase,
  allBytes,
  analyticsDatabase,
  clearAnalytics,
  rollUp,
  storedDocuments,
} from './analytics-database.ts';
import { bruteForce } from './brute-force.ts';
import { randomFrom, randomHistory } from './random-lines.ts';

let test: AnalyticsDatabase;
beforeAll(async () => {
  test = await analyticsDatabase();
});
afterAll(() => test.close());
beforeEach(() => clearAnalytics(test.database));

describe('the roll-up of a year', () => {
  it.each([
    { zone: 'Europe/Berlin', seed: 11 },
    { zone: 'America/Havana', seed: 12 },
  ])('equals a brute-force recomputation of the lines in $zone (seed $seed)', async ({ zone, seed }) => {
    const { database } = test;
    const now = await readServerTime(database);
    const start = new Date(now.getTime() - 366 * 86_400_000);
    const lines = randomHistory(randomFrom(seed), { start, end: now, sessions: 120, itemsPerSession: 15 });
    await database.lines.insertMany(lines.map((line) => ({ ...line })));

    const summary = await rollUp(database, { timezone: zone, tolerancePercent: 2 });
    const expected = bruteForce(lines, { zone, now, tolerancePercent: 2 });
    expect(await storedDocuments(database)).toEqual(expected);
    expect(summary).toMatchObject({ state: 'done', written: expected.length });

    const before = await allBytes(database);
    const again = await rollUp(database, { timezone: zone, tolerancePercent: 2 });
    expect(again).toMatchObject({ written: 0, replaced: 0, removed: 0 });
    expect(await allBytes(database)).toBe(before);
  });
});
