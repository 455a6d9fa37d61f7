// Jobs that were set aside, sent again: their state says that they are to be done, and the queue is rung.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginRun, findRun, registerBackfill } from '../../../src/db/backfill-runs.ts';
import type { Database } from '../../../src/db/database.ts';
import { findDeadLetter } from '../../../src/db/dead-letters/list-letters.ts';
import { recordDeadJob } from '../../../src/db/dead-letters.ts';
import { claimRuns, setDeadlyRunsAside, startRun } from '../../../src/db/schedule-runs.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { runBackfillJob } from '../../../src/jobs/backfill-variance.ts';
import { redriveDeadLetter } from '../../../src/jobs/redrive-dead-letter.ts';
import { runScheduled } from '../../../src/jobs/run-scheduled.ts';
import type { JobPayload } from '../../../src/queues/definitions.ts';
import { type SyncEngine, syncEngine } from '../sync/sync-engine.ts';

let engine: SyncEngine;
let database: Database;
let rings: JobPayload[] = [];
beforeAll(async () => {
  engine = await syncEngine();
  database = engine.database;
});
beforeEach(async () => {
  rings = [];
  await database.deadLetters.deleteMany();
});
afterAll(() => engine.drop());

const redrive = (id: string) =>
  redriveDeadLetter(
    {
      database,
      ring: async (payload) => {
        rings.push(payload);
      },
    },
    id,
    { by: 'root', via: 'http' },
  );
const onlyLetter = async () => (await database.deadLetters.find().toArray())[0]!._id;

describe('a nightly run that was set aside', () => {
  const schedule = 'roll-up-variance';
  const payload = (scheduled_for: Date) =>
    ({ v: 1, type: schedule, scheduled_for: scheduled_for.toISOString(), backfilled: true }) as const;

  /** A run whose three starts ended their process. */
  async function deadlyRun() {
    const scheduled_for = new Date(Date.now() + Math.trunc(Math.random() * 1e9));
    const now = await readServerTime(database);
    await claimRuns(database, [{ schedule, scheduled_for, backfilled: false }], {
      host: 'a',
      now,
      keepMs: 1e9,
    });
    const key = { schedule, scheduled_for };
    const die = async () => {
      for (let death = 0; death < 3; death += 1) {
        expect((await startRun(database, key, 'dying')).state).toBe('started');
        await database.scheduleRuns.updateOne(key, { $set: { heartbeat_at: new Date(0) } });
      }
      await setDeadlyRunsAside(database, schedule, await readServerTime(database), (run) => ({
        id: `${schedule}-${run.scheduled_for.toISOString()}`,
        queue: 'analytics',
        payload: payload(run.scheduled_for),
      }));
    };
    await die();
    return { key, die, id: await onlyLetter() };
  }

  it('is claimed anew and rung, and its deaths are forgotten', async () => {
    const { key, id } = await deadlyRun();
    expect(await redrive(id)).toMatchObject({ state: 'redriven' });
    expect(rings).toEqual([payload(key.scheduled_for)]);
    // Claimed: should the ring be lost, the scheduler rings again after a minute.
    expect(await database.scheduleRuns.findOne(key)).toMatchObject({ state: 'claimed', deaths: 0 });
    expect(await runScheduled({ database, host: 'w' }, rings[0] as never, async () => 'well')).toBe(true);
    expect(await redrive(id)).toMatchObject({ state: 'unchanged' });
    expect(await database.scheduleRuns.findOne(key)).toMatchObject({ state: 'done', outcome: 'well' });
  });

  it('and dies again becomes a letter that waits anew', async () => {
    const { id, die } = await deadlyRun();
    await redrive(id);
    await die();
    expect(await findDeadLetter(database, id)).not.toHaveProperty('redriven_at');
    expect(await redrive(id)).toMatchObject({ state: 'redriven' });
    expect(await database.deadLetterActions.countDocuments({ letter_id: id })).toBe(2);
  });
});

describe('a backfill that was set aside', () => {
  const dependencies = () => ({
    database,
    settings: { timezone: 'UTC', tolerancePercent: 0 },
    notifyOutbox: () => {},
  });
  const register = () =>
    registerBackfill(database, {
      from: '2026-01-01',
      to: '2026-01-05',
      period_types: ['daily'],
      reprocess: 'stale',
      timezone: 'UTC',
      tolerance_percent: 0,
      requested_by: 'root',
    });
  const dieThreeTimes = async (runId: string) => {
    for (let death = 0; death < 3; death += 1) await beginRun(database, runId);
    await runBackfillJob(dependencies(), runId);
  };

  it('goes on with its starts forgotten, and is set aside again when it dies again', async () => {
    const run = await register();
    await dieThreeTimes(run._id);
    expect(await findRun(database, run._id)).toMatchObject({ state: 'failed' });
    const id = await onlyLetter();
    const outcomes = await Promise.all([redrive(id), redrive(id), redrive(id)]);
    expect(outcomes.map(({ state }) => state).toSorted()).toEqual(['redriven', 'unchanged', 'unchanged']);
    expect(rings[0]).toEqual({ v: 1, type: 'backfill-variance', run_id: run._id });
    const open = await findRun(database, run._id);
    expect(open).toMatchObject({ state: 'running', starts: 0 });
    expect(open).not.toHaveProperty('error');
    await dieThreeTimes(run._id);
    expect(await redrive(id)).toMatchObject({ state: 'redriven' });
    await runBackfillJob(dependencies(), run._id);
    expect(await findRun(database, run._id)).toMatchObject({ state: 'done' });
  });

  it('and whose record was deleted since is said to be gone', async () => {
    const run = await register();
    await dieThreeTimes(run._id);
    const id = await onlyLetter();
    await database.backfillRuns.deleteOne({ _id: run._id });
    expect(await redrive(id)).toMatchObject({ state: 'gone' });
    expect(await findDeadLetter(database, id)).not.toHaveProperty('redriven_at');
    expect(rings).toEqual([]);
  });
});

describe('any other job', () => {
  it('is rung again', async () => {
    const payload = { v: 1, type: 'end-due-locks' };
    await recordDeadJob(database, { id: '17', queue: 'locks', attempts: 1, payload, reason: 'no' });
    expect(await redrive('locks/17')).toMatchObject({ state: 'redriven' });
    expect(rings).toEqual([payload]);
  });

  it('of another build is refused and stays', async () => {
    const payload = { v: 2, type: 'unheard-of' };
    await recordDeadJob(database, { id: '18', queue: 'locks', attempts: 1, payload, reason: 'no' });
    expect(await redrive('locks/18')).toEqual({ state: 'unreadable' });
    expect(await findDeadLetter(database, 'locks/18')).not.toHaveProperty('redriven_at');
  });

  it('is redriven although the queue is away: a sweep rings for it', async () => {
    const payload = { v: 1, type: 'end-due-locks' };
    await recordDeadJob(database, { id: '19', queue: 'locks', attempts: 1, payload, reason: 'no' });
    const ring = () => Promise.reject(new Error('Redis is away'));
    const outcome = redriveDeadLetter({ database, ring }, 'locks/19', { by: 'root', via: 'http' });
    expect(await outcome).toMatchObject({ state: 'redriven' });
  });
});
