import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../../src/contract/wire-types.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { localDay } from '../../../src/domain/variance/periods.ts';
import { authenticator } from '../../../src/http/authenticate.ts';
import { analyticsRoutes } from '../../../src/http/routes/analytics.ts';
import { createHttpApp, type HttpApp } from '../../../src/http/server.ts';
import { backfillVariance } from '../../../src/jobs/backfill-variance.ts';
import type { JobPayload } from '../../../src/queues/definitions.ts';
import { type AnalyticsDatabase, analyticsDatabase, rollUp } from './analytics-database.ts';
import { randomFrom, randomHistory } from './random-lines.ts';

const SETTINGS = { timezone: 'Europe/Berlin', tolerancePercent: 0 };
const rung: JobPayload[] = [];
let queueIsAway = false;

let test: AnalyticsDatabase;
let app: HttpApp;
let now: Date;
beforeAll(async () => {
  test = await analyticsDatabase();
  now = await readServerTime(test.database);
  const start = new Date(now.getTime() - 30 * 86_400_000);
  await test.database.lines.insertMany(
    randomHistory(randomFrom(41), { start, end: now, sessions: 40, itemsPerSession: 6 }),
  );
  await rollUp(test.database, SETTINGS);
  app = await createHttpApp(pino({ level: 'silent' }));
  await app.register(analyticsRoutes, {
    database: test.database,
    // A token of these tests is the role itself.
    authenticate: authenticator(async (token) => ({ user_id: 'ann', role: token as Role, expires_at: 4e9 })),
    ...SETTINGS,
    ring: async (payload: JobPayload) => {
      if (queueIsAway) throw new Error('connect ECONNREFUSED');
      rung.push(payload);
    },
  });
});
afterAll(async () => {
  await app.close();
  await test.close();
});

async function call(method: 'GET' | 'POST', url: string, options: { role?: Role; body?: object } = {}) {
  const response = await app.inject({
    method,
    url: `/api/analytics${url}`,
    headers: { authorization: `Bearer ${options.role ?? 'supervisor'}` },
    ...(options.body ? { payload: options.body } : {}),
  });
  return { status: response.statusCode, body: response.json() };
}
const day = (back: number): string =>
  localDay(new Date(now.getTime() - back * 86_400_000), SETTINGS.timezone);

describe('GET /api/analytics/variance', () => {
  it('lists the periods that start in the range, oldest first, with decoded keys', async () => {
    const { status, body } = await call('GET', `/variance?period_type=daily&from=${day(9)}&to=${day(3)}`);
    expect(status).toBe(200);
    expect(body.items).toHaveLength(7);
    expect(
      body.items.map((item: { period_start: string }) =>
        localDay(new Date(item.period_start), SETTINGS.timezone),
      ),
    ).toEqual([9, 8, 7, 6, 5, 4, 3].map(day));
    const months = await call('GET', '/variance?period_type=monthly&from=2020-01-01&to=2029-12-31');
    const keys = months.body.items.flatMap((item: object) => [
      ...Object.keys((item as { variance_by_category: object }).variance_by_category),
      ...Object.keys((item as { variance_by_reason: object }).variance_by_reason),
    ]);
    expect(keys).toEqual(expect.arrayContaining(['$pecial', 'Food.Dry', '100 %', 'a.b']));
    expect(body.items[0]).not.toHaveProperty('_id');
  });

  it.each([
    '/variance?from=2025-02-30&to=2025-03-01',
    '/variance?from=2025-03-02&to=2025-03-01',
    '/variance?from=1025-03-02&to=2025-03-01',
    '/variance?to=2025-03-01',
    '/variance?period_type=hourly&from=2025-03-01&to=2025-03-01',
    '/variance/summary',
    '/variance/summary?start_date=2025-01-01&end_date=2025-12-31&category=A',
    '/variance/summary?start_date=2025-01-01&session_id=S1',
    '/variance/trends?period=2d',
  ])('answers 400 to %s', async (url) => {
    const { status, body } = await call('GET', url);
    expect(status).toBe(400);
    expect(body.error_code).toBe('invalid_request');
    expect(body.issues.length).toBeGreaterThan(0);
  });

  it('is for supervisors', async () => {
    expect((await call('GET', `/variance?from=${day(1)}&to=${day(1)}`, { role: 'staff' })).status).toBe(403);
  });
});

describe('GET /api/analytics/variance/summary', () => {
  it('says what the documents of the range add up to', async () => {
    const query = `from=${day(10)}&to=${day(1)}`;
    const days = (await call('GET', `/variance?${query}`)).body.items as Record<string, number>[];
    const sum = (field: string) => days.reduce((total, item) => total + (item[field] ?? 0), 0);
    const { body } = await call('GET', `/variance/summary?start_date=${day(10)}&end_date=${day(1)}`);
    expect(body.total_items_counted).toBe(sum('total_items_counted'));
    expect(body.items_with_variance).toBe(sum('items_with_variance'));
    expect(body.items_matching).toBe(body.total_items_counted - body.items_with_variance);
    expect(body.positive_variance.count + body.negative_variance.count).toBe(body.items_with_variance);
    expect(body.total_variance_value).toBeCloseTo(sum('net_variance_value'), 3);
    expect(body.period).toEqual({ start_date: day(10), end_date: day(1) });
  });

  it('filters by category and session; a session alone needs no dates', async () => {
    const session = (await call('GET', '/variance/summary?session_id=S3')).body;
    expect(session.total_items_counted).toBeGreaterThan(0);
    const range = `start_date=${day(60)}&end_date=${day(0)}`;
    expect((await call('GET', `/variance/summary?session_id=S3&${range}`)).body).toEqual({
      ...session,
      period: { start_date: day(60), end_date: day(0) },
    });
    const all = (await call('GET', `/variance/summary?${range}`)).body.total_items_counted;
    const drinks = (await call('GET', `/variance/summary?${range}&category=Drinks`)).body.total_items_counted;
    const none = (await call('GET', `/variance/summary?${range}&category=Uncategorized`)).body
      .total_items_counted;
    expect(drinks).toBeGreaterThan(0);
    expect(none).toBeGreaterThan(0);
    expect(drinks + none).toBeLessThan(all);
  });
});

it('GET /api/analytics/variance/trends has a point per stored period', async () => {
  const { body } = await call('GET', '/variance/trends?period=7d&granularity=day');
  expect(body).toMatchObject({ period: '7d', granularity: 'day' });
  expect(body.data_points.map((point: { date: string }) => point.date).slice(0, 6)).toEqual(
    [6, 5, 4, 3, 2, 1].map(day),
  );
  expect(body.summary.avg_accuracy).toBeGreaterThan(0);
});

describe('POST /api/analytics/backfill', () => {
  it('registers a run, rings, and tells its progress', async () => {
    const wish = { from: day(5), to: day(1), reprocess: 'all', period_types: ['daily'] };
    expect((await call('POST', '/backfill', { body: wish })).status).toBe(403);
    const started = await call('POST', '/backfill', { role: 'admin', body: wish });
    expect(started.status).toBe(202);
    const { run_id } = started.body;
    expect(rung).toEqual([{ v: 1, type: 'backfill-variance', run_id }]);
    // The same wish again is the same run, as long as it works.
    expect((await call('POST', '/backfill', { role: 'admin', body: wish })).body).toEqual({ run_id });

    await backfillVariance({ database: test.database, settings: SETTINGS, notifyOutbox: () => {} }, run_id);
    const { body } = await call('GET', `/backfill/${run_id}`, { role: 'admin' });
    expect(body).toMatchObject({ run_id, state: 'done', periods_total: 5, periods_done: 5 });
    expect(body.finished_at).toBeDefined();
    expect((await call('GET', '/backfill/none', { role: 'admin' })).status).toBe(404);
  });

  it('says 503 when the queue is away, and leaves no run behind that nobody works on', async () => {
    queueIsAway = true;
    const wish = { from: day(5), to: day(1), dry_run: true };
    const { status, body } = await call('POST', '/backfill', { role: 'admin', body: wish });
    queueIsAway = false;
    expect([status, body.error_code]).toEqual([503, 'unavailable']);
    expect(await test.database.backfillRuns.countDocuments({ state: 'running' })).toBe(0);
  });
});
