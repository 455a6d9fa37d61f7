import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { registerBackfill } from '../../../src/db/backfill-runs.ts';
import { markDirty } from '../../../src/db/dirty-periods.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { countMarks } from '../../../src/db/variance/dirty-marks.ts';
import { localDay } from '../../../src/domain/variance/periods.ts';
import { backfillVariance, SettingsChanged } from '../../../src/jobs/backfill-variance.ts';
import {
  type AnalyticsDatabase,
  analyticsDatabase,
  clearAnalytics,
  rollUp,
  storedDocuments,
} from './analytics-database.ts';
import { bruteForce } from './brute-force.ts';
import { randomFrom, randomHistory, randomLine } from './random-lines.ts';
import { writeLine } from './write-lines.ts';

const DAY_MS = 86_400_000;
const BERLIN = { timezone: 'Europe/Berlin', tolerancePercent: 0 };
const KATHMANDU = { timezone: 'Asia/Kathmandu', tolerancePercent: 0 };

let test: AnalyticsDatabase;
beforeAll(async () => {
  test = await analyticsDatabase();
});
afterAll(() => test.close());
beforeEach(() => clearAnalytics(test.database));

async function history(days: number, seed = 1) {
  const now = await readServerTime(test.database);
  const start = new Date(now.getTime() - days * DAY_MS);
  const lines = randomHistory(randomFrom(seed), { start, end: now, sessions: days, itemsPerSession: 5 });
  await test.database.lines.insertMany(lines.map((line) => ({ ...line })));
  return { lines, now, start };
}

const generations = async (): Promise<Map<string, number>> =>
  new Map(
    (await test.database.analytics.find({}).toArray()).map((row) => [
      `${row.period_type} ${localDay(row.period_start, row.timezone)}`,
      row.generation,
    ]),
  );

describe('a late count', () => {
  it('rewrites its day, week and month and the deltas that follow them, nothing else', async () => {
    const { start } = await history(70);
    await rollUp(test.database, BERLIN);
    const before = await generations();
    const at = new Date(start.getTime() + 20 * DAY_MS);
    const key = { session_id: 'late', item_code: 'late', location: '' };
    const line = { ...randomLine(randomFrom(5), at, key), counted_qty: 3, erp_qty: 1, unit_value: 2 };
    delete (line as { voided_at?: Date }).voided_at;
    await writeLine(test.database, line, BERLIN.timezone);
    await rollUp(test.database, BERLIN);
    const after = await generations();
    const changed = [...after].filter(([period, generation]) => before.get(period) !== generation);
    // A delta changes only when both sides counted something, so it may be three documents or up to six.
    expect(changed.length).toBeGreaterThanOrEqual(3);
    expect(changed.length).toBeLessThanOrEqual(6);
    for (const type of ['daily', 'weekly', 'monthly']) {
      expect(changed.filter(([period]) => period.startsWith(type)).length).toBeLessThanOrEqual(2);
    }
  });

  it('written while a run works is in that run or in the next one, never lost', async () => {
    const { lines, now } = await history(20, 3);
    const random = randomFrom(77);
    const late = Array.from({ length: 25 }, (_, index) =>
      randomLine(random, new Date(now.getTime() - random.below(20 * DAY_MS)), {
        session_id: `S${random.below(20)}`,
        item_code: `new-${index}`,
        location: '',
      }),
    );
    const writes = (async () => {
      for (const line of late) await writeLine(test.database, line, BERLIN.timezone);
    })();
    await Promise.all([writes, rollUp(test.database, BERLIN), rollUp(test.database, BERLIN)]);
    await rollUp(test.database, BERLIN);
    expect(await storedDocuments(test.database)).toEqual(
      bruteForce([...lines, ...late], { zone: BERLIN.timezone, now, tolerancePercent: 0 }),
    );
    expect(await countMarks(test.database)).toBe(0);
  });
});

it('removes what no longer has a count: the running period and everything before the first count', async () => {
  const { lines, now } = await history(15, 4);
  await rollUp(test.database, BERLIN);
  const voided = lines
    .filter((line) => line.counted_at < new Date(now.getTime() - 5 * DAY_MS))
    .map((line) => ({ ...line, voided_at: now }));
  for (const line of voided) await writeLine(test.database, line, BERLIN.timezone);
  await rollUp(test.database, BERLIN);
  const rest = lines.filter((line) => !voided.some((gone) => gone.id === line.id));
  expect(await storedDocuments(test.database)).toEqual(
    bruteForce(rest, { zone: BERLIN.timezone, now, tolerancePercent: 0 }),
  );
});

it('finds another zone’s marks and recomputes the days that they touch', async () => {
  const { lines, now } = await history(10, 6);
  await rollUp(test.database, BERLIN);
  const changed = { ...(lines[0] as (typeof lines)[0]), counted_qty: 777 };
  await test.database.lines.updateOne({ id: changed.id }, { $set: { counted_qty: 777 } });
  await inTransaction(test.database, (session) =>
    markDirty(
      test.database,
      session,
      [...new Set(lines.map((line) => localDay(line.counted_at, 'Pacific/Apia')))],
      'Pacific/Apia',
    ),
  );
  await rollUp(test.database, BERLIN);
  expect(await storedDocuments(test.database)).toEqual(
    bruteForce([changed, ...lines.slice(1)], { zone: BERLIN.timezone, now, tolerancePercent: 0 }),
  );
});

it('writes nothing after a change of zone until everything is reprocessed', async () => {
  const { lines, now } = await history(40, 8);
  await rollUp(test.database, BERLIN);
  const before = await storedDocuments(test.database);

  const summary = await rollUp(test.database, KATHMANDU);
  expect(summary).toMatchObject({ state: 'settings_changed', periods: 0 });
  expect(await storedDocuments(test.database)).toEqual(before);

  const today = localDay(now, KATHMANDU.timezone);
  const wish = {
    from: today,
    to: today,
    period_types: ['daily' as const],
    timezone: KATHMANDU.timezone,
    tolerance_percent: 0,
    requested_by: 'ann',
  };
  const dependencies = { database: test.database, settings: KATHMANDU, notifyOutbox: () => {} };
  const refused = await registerBackfill(test.database, { ...wish, reprocess: 'stale' });
  await expect(backfillVariance(dependencies, refused._id)).rejects.toThrow(SettingsChanged);

  const run = await registerBackfill(test.database, { ...wish, reprocess: 'all' });
  await backfillVariance(dependencies, run._id);
  expect(await storedDocuments(test.database)).toEqual(
    bruteForce(lines, { zone: KATHMANDU.timezone, now, tolerancePercent: 0 }),
  );
  expect(await rollUp(test.database, KATHMANDU)).toMatchObject({ state: 'done', replaced: 0 });
});

describe('a period that cannot be recomputed', () => {
  /** A line that MongoDB cannot sum up; validation is passed by, as an older build might have. */
  const poison = async (at: Date) => {
    const line = randomLine(randomFrom(5), at, { session_id: 'bad', item_code: 'bad', location: '' });
    const { voided_at: _voidedAt, ...rest } = { ...line, counted_qty: 'many' as unknown as number };
    await test.database.lines.insertOne(rest, { bypassDocumentValidation: true });
    const day = localDay(at, BERLIN.timezone);
    await inTransaction(test.database, (session) =>
      markDirty(test.database, session, [day], BERLIN.timezone),
    );
    return day;
  };

  it('is named at the end and keeps none of the others back', async () => {
    const { start } = await history(40, 12);
    const at = new Date(start.getTime() + 5 * DAY_MS);
    const day = await poison(at);
    const error = await rollUp(test.database, BERLIN).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).toMatch(new RegExp(`^Not recomputed: .*daily ${day} \\(`));
    const stored = await generations();
    expect(stored.has(`daily ${day}`)).toBe(false);
    for (let after = at.getTime() + DAY_MS; after < Date.now(); after += DAY_MS) {
      expect([...stored.keys()]).toContain(`daily ${localDay(new Date(after), BERLIN.timezone)}`);
    }
    const codes = (await test.database.outbox.find({}).sort({ at: -1 }).limit(1).toArray()).map(
      (row) => row.event.payload.data['code'],
    );
    expect(codes).toEqual(['rollup_published']);
  });
});

it('tells supervisors when it wrote something, and only then', async () => {
  await test.database.outbox.deleteMany({});
  await history(5, 9);
  await rollUp(test.database, BERLIN);
  await rollUp(test.database, BERLIN);
  const events = await test.database.outbox.find({}).toArray();
  expect(events.map((row) => row.event.payload.data['code'])).toEqual(['rollup_published']);
});
