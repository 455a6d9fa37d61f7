// A backfill that was asked for over HTTP ends whatever happens to its process, its job or the database.
import { Redis } from 'ioredis';
import { MongoNetworkError } from 'mongodb';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type BackfillRun, beginRun, findRun, registerBackfill } from '../../../src/db/backfill-runs.ts';
import type { Database } from '../../../src/db/database.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { localDay } from '../../../src/domain/variance/periods.ts';
import { backfillVariance, runBackfillJob } from '../../../src/jobs/backfill-variance.ts';
import { requeueStrandedBackfills } from '../../../src/jobs/requeue-stranded-backfills.ts';
import type { JobPayload } from '../../../src/queues/definitions.ts';
import { createProducer } from '../../../src/queues/producer.ts';
import { call, type EngineProcess, engineEnvironment, spawnEngine, token } from '../../support/engine.ts';
import { freshRedisPrefix } from '../../support/test-database.ts';
import { type AnalyticsDatabase, analyticsDatabase, clearAnalytics } from './analytics-database.ts';
import { randomFrom, randomHistory } from './random-lines.ts';

const SETTINGS = { timezone: 'Europe/Berlin', tolerancePercent: 0 };
const DAY_MS = 86_400_000;

let test: AnalyticsDatabase;
let database: Database;
let engines: EngineProcess[] = [];
beforeAll(async () => {
  test = await analyticsDatabase();
  database = test.database;
});
afterAll(() => test.close());
beforeEach(async () => {
  await clearAnalytics(database);
  await database.deadLetters.deleteMany({});
  await database.outbox.deleteMany({});
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.end('SIGKILL')));
  engines = [];
});

/** Counts of that many days, and the wish for all of their figures. */
async function history(days: number) {
  const now = await readServerTime(database);
  const start = new Date(now.getTime() - days * DAY_MS);
  const lines = randomHistory(randomFrom(days), { start, end: now, sessions: days, itemsPerSession: 3 });
  await database.lines.insertMany(lines);
  const day = (at: Date) => localDay(at, SETTINGS.timezone);
  return { from: day(start), to: day(now), reprocess: 'all' as const };
}

const register = async (days = 5) =>
  registerBackfill(database, {
    ...(await history(days)),
    period_types: ['daily', 'weekly', 'monthly'],
    timezone: SETTINGS.timezone,
    tolerance_percent: SETTINGS.tolerancePercent,
    requested_by: 'ann',
  });

const dependencies = (more: { signal?: AbortSignal } = {}) => ({
  database,
  settings: SETTINGS,
  notifyOutbox: () => {},
  ...more,
});
const sweep = async (): Promise<string[]> => {
  const rung: string[] = [];
  await requeueStrandedBackfills({
    database,
    logger: pino({ enabled: false }),
    ringAgain: async ({ run_id }) => {
      rung.push(run_id);
    },
  });
  return rung;
};
const stateOf = async (run: BackfillRun) => (await findRun(database, run._id))?.state;
const silence = (run: BackfillRun, seconds: number) =>
  database.backfillRuns.updateOne({ _id: run._id }, [
    { $set: { updated_at: { $subtract: ['$updated_at', seconds * 1_000] } } },
  ]);

describe('the job of a backfill', () => {
  it('gives the run back when the process stops; the sweep rings it at once, and it ends', async () => {
    const run = await register();
    await runBackfillJob(dependencies({ signal: AbortSignal.abort() }), run._id);
    expect(await stateOf(run)).toBe('running');
    expect(await sweep()).toEqual([run._id]);
    await runBackfillJob(dependencies(), run._id);
    expect(await findRun(database, run._id)).toMatchObject({
      state: 'done',
      periods_done: expect.any(Number),
    });
    expect(await sweep()).toEqual([]);
  });

  it('leaves the run open after an error that may pass', async () => {
    const run = await register();
    const onPeriod = () => {
      throw new MongoNetworkError('gone');
    };
    await expect(backfillVariance(dependencies(), run._id, { onPeriod })).rejects.toThrow('gone');
    expect(await stateOf(run)).toBe('running');
    await runBackfillJob(dependencies(), run._id);
    expect(await stateOf(run)).toBe('done');
  });

  it('fails for good with a dead letter after an error of its own', async () => {
    const run = await register();
    await database.backfillRuns.updateOne({ _id: run._id }, { $set: { timezone: 'Asia/Kathmandu' } });
    await expect(runBackfillJob(dependencies(), run._id)).rejects.toThrow('Kathmandu');
    expect(await stateOf(run)).toBe('failed');
    expect(await database.deadLetters.find({}).toArray()).toMatchObject([
      { source: 'job', queue: 'analytics', reference: { type: 'backfill-variance', run_id: run._id } },
    ]);
  });

  it('sets the run aside that ended its process three times without getting on', async () => {
    const run = await register();
    for (let death = 0; death < 3; death += 1) await beginRun(database, run._id);
    await runBackfillJob(dependencies(), run._id);
    expect(await findRun(database, run._id)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('begun 3 times'),
    });
    expect(await database.deadLetters.countDocuments({ 'reference.run_id': run._id })).toBe(1);
    const codes = (await database.outbox.find({}).toArray()).map((row) => row.event.payload.data['code']);
    expect(codes).toEqual(['dead_letter']);
  });
});

it('the sweep rings a run that was silent for a minute, and none that somebody works on', async () => {
  const run = await register();
  await silence(run, 50);
  expect(await sweep()).toEqual([]);
  await silence(run, 15);
  expect(await sweep()).toEqual([run._id]);
});

it('a ring is not swallowed by what a half-forgetful Redis kept of an earlier one', async () => {
  const redis = new Redis(inject('redisUrl'), { lazyConnect: true });
  const prefix = freshRedisPrefix();
  const producer = createProducer({ redis, prefix });
  await producer.start();
  const queue = producer.queue('analytics');
  const backfill: JobPayload = { v: 1, type: 'backfill-variance', run_id: 'r1' };
  const scheduled_for = new Date().toISOString();
  const rollUp: JobPayload = { v: 1, type: 'roll-up-variance', scheduled_for, backfilled: false };
  for (const { payload, again } of [
    { payload: backfill, again: producer.ringAgain },
    // What the scheduler has for lost runs.
    { payload: rollUp, again: producer.ring },
  ]) {
    await producer.ring(payload);
    await redis.del(`${prefix}:analytics:wait`);
    expect(await queue.getWaitingCount()).toBe(0);
    await again(payload);
    await again(payload);
    expect((await queue.getWaiting()).map((job) => job.data)).toEqual([payload]);
    await queue.drain();
  }
  await producer.stop();
});

it('asked for over HTTP it ends although the process is stopped under it', async () => {
  const wish = await history(120);
  const environment = engineEnvironment({ url: test.url }, freshRedisPrefix(), {
    BUSINESS_TIMEZONE: SETTINGS.timezone,
  });
  const first = await spawnEngine(environment);
  engines.push(first);
  const admin = await token('ann', 'admin');
  const asked = await call(first.url, admin, 'POST', '/api/analytics/backfill', wish);
  expect(asked.status).toBe(202);
  const run = () => findRun(database, asked.body.run_id);
  await expect
    .poll(async () => (await run())?.periods_done, { timeout: 20_000, interval: 20 })
    .toBeGreaterThan(2);
  expect(await first.end('SIGTERM')).toBe(0);
  expect((await run())?.state).toBe('running');
  engines.push(await spawnEngine(environment));
  await expect.poll(async () => (await run())?.state, { timeout: 40_000, interval: 100 }).toBe('done');
  expect((await run())?.periods_done).toBe((await run())?.periods_total);
}, 90_000);
