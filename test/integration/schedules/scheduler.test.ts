import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { listRuns, RUN_SILENT_MS, startRun } from '../../../src/db/schedule-runs.ts';
import { setPaused } from '../../../src/db/schedule-states.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { parseCron } from '../../../src/domain/schedules/cron-expression.ts';
import { runScheduled } from '../../../src/jobs/run-scheduled.ts';
import type { JobPayload } from '../../../src/queues/definitions.ts';
import { createScheduler, triggerSchedule } from '../../../src/queues/scheduler.ts';
import { type EngineSchedule, engineSchedules } from '../../../src/queues/schedules.ts';

let database: Database;
let rings: JobPayload[] = [];
let errors: unknown[] = [];
/** Whether rings are answered by a worker. */
let working = false;
/** The clock of all schedulers of a test. */
let clock: Date;

beforeAll(async () => {
  database = await connectDatabase({ url: inject('mongoUrl'), dbName: `schedules_${randomUUID()}` });
  await ensureSchema(database);
});
beforeEach(async () => {
  await database.scheduleRuns.deleteMany();
  await database.scheduleStates.deleteMany();
  rings = [];
  errors = [];
  working = false;
  // Ahead of the real time, so that no TTL index takes a row.
  clock = new Date('2030-03-01T12:00:00Z');
});
afterAll(async () => {
  await database.db.dropDatabase();
  await database.client.close();
});

const [nightly] = engineSchedules({ nightlyCron: '30 0 * * *', timezone: 'Europe/Berlin' }) as [
  EngineSchedule,
];
/** One that looks at everything each time, so that a missed fire has nothing of its own. */
const skipping: EngineSchedule = {
  ...nightly,
  cron: parseCron('* * * * *'),
  zone: 'UTC',
  missed: 'skip',
  catchUpMs: 86_400_000,
};

const dependencies = (schedules: EngineSchedule[], host: string) => ({
  database,
  schedules,
  ring: async (payload: JobPayload) => {
    rings.push(payload);
    if (working && 'scheduled_for' in payload) {
      await runScheduled({ database, host: 'w' }, payload, async () => 'done');
    }
  },
  now: async () => clock,
  host,
  onError: (_schedule: string, error: unknown) => {
    errors.push(error);
  },
});
const scheduler = (schedules: EngineSchedule[] = [nightly], host = 'a') =>
  createScheduler(dependencies(schedules, host));

const times = (): string[] =>
  rings.map((ring) => ('scheduled_for' in ring ? ring.scheduled_for : 'none')).toSorted();
const pass = (ms: number): void => {
  clock = new Date(clock.getTime() + ms);
};
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe('due fires', () => {
  test('the first start on an empty database catches nothing up', async () => {
    await scheduler().look();
    expect(rings).toEqual([]);
  });

  test('a nightly run comes at its local time, over the change of the clocks, once per day', async () => {
    working = true;
    const one = scheduler();
    clock = new Date('2030-03-29T12:00:00Z');
    for (; clock < new Date('2030-04-01T12:00:00Z'); pass(30 * MINUTE_MS)) await one.look();
    expect(times()).toEqual([
      '2030-03-29T23:30:00.000Z',
      '2030-03-30T23:30:00.000Z',
      '2030-03-31T22:30:00.000Z',
    ]);
    expect(rings.every((ring) => 'backfilled' in ring && !ring.backfilled)).toBe(true);
  });

  test('three schedulers fire each time once', async () => {
    working = true;
    const every: EngineSchedule = { ...nightly, cron: parseCron('* * * * *') };
    const all = ['a', 'b', 'c'].map((host) => scheduler([every], host));
    for (let wake = 0; wake < 40; wake += 1) {
      pass(MINUTE_MS / 2);
      await Promise.all(all.map((each) => each.look()));
    }
    expect(errors).toEqual([]);
    expect(times()).toHaveLength(20);
    expect(new Set(times()).size).toBe(20);
  });

  test('each second of a schedule with seconds, by three schedulers that node-cron wakes', async () => {
    const every: EngineSchedule = { ...nightly, cron: parseCron('* * * * * *') };
    const services = ['a', 'b', 'c'].map((host) =>
      createScheduler({
        ...dependencies([every], host),
        now: () => readServerTime(database),
        wakeAt: '* * * * * *',
      }),
    );
    for (const service of services) await service.start();
    await expect.poll(() => rings.length, { timeout: 30_000, interval: 50 }).toBeGreaterThanOrEqual(3);
    for (const service of services) await service.stop();
    const fired = times().map((time) => Date.parse(time));
    expect(errors).toEqual([]);
    expect(fired.length).toBeGreaterThanOrEqual(3);
    expect(fired.map((time) => time - fired[0]!)).toEqual(fired.map((_time, index) => index * 1_000));
  });
});

describe('missed fires', () => {
  test.each([1, 5, 40])('%i missed days are exactly as many rings, marked', async (days) => {
    await scheduler().look();
    pass(days * DAY_MS);
    await Promise.all([scheduler([nightly], 'a').look(), scheduler([nightly], 'b').look()]);
    await scheduler().look();
    expect(rings).toHaveLength(days);
    expect(rings.every((ring) => 'backfilled' in ring && ring.backfilled)).toBe(true);
    expect(new Set(times()).size).toBe(days);
  });

  test('a schedule that skips rings only what is due now', async () => {
    await scheduler([skipping]).look();
    pass(DAY_MS);
    await scheduler([skipping]).look();
    expect(rings).toEqual([
      {
        v: 1,
        type: 'roll-up-variance',
        scheduled_for: clock.toISOString(),
        backfilled: false,
      },
    ]);
  });

  test('a paused schedule fires nothing, and catches nothing up when resumed', async () => {
    clock = await readServerTime(database);
    await scheduler().look();
    await setPaused(database, nightly.name, true);
    pass(3 * DAY_MS);
    await scheduler().look();
    expect(rings).toEqual([]);
    await database.scheduleStates.updateOne({ _id: nightly.name }, { $set: { settled_until: new Date(0) } });
    await setPaused(database, nightly.name, false);
    clock = await readServerTime(database);
    await scheduler().look();
    expect(rings).toEqual([]);
  });
});

describe('lost rings', () => {
  const claimOne = async () => {
    await scheduler().look();
    pass(DAY_MS);
    await scheduler().look();
    expect(rings).toHaveLength(1);
    return rings[0] as Extract<JobPayload, { type: 'roll-up-variance' }>;
  };

  test('a fire whose job never began is rung again after a minute, by one of three', async () => {
    await claimOne();
    pass(30_000);
    await scheduler().look();
    expect(rings).toHaveLength(1);
    pass(40_000);
    await Promise.all(['a', 'b', 'c'].map((host) => scheduler([nightly], host).look()));
    expect(rings).toHaveLength(2);
    expect(rings[1]).toEqual(rings[0]);
  });

  test('a ring that fails leaves the fire to be rung again', async () => {
    await scheduler().look();
    pass(DAY_MS);
    const away = createScheduler({
      ...dependencies([nightly], 'a'),
      ring: async () => {
        throw new Error('Redis is away');
      },
    });
    await away.look();
    expect(errors).toHaveLength(1);
    pass(2 * MINUTE_MS);
    await scheduler().look();
    expect(rings).toHaveLength(1);
  });

  test('a run that is done is not rung again', async () => {
    const payload = await claimOne();
    await runScheduled({ database, host: 'w' }, payload, async () => 'done');
    pass(DAY_MS / 4);
    await scheduler().look();
    expect(rings).toHaveLength(1);
  });

  test('a run whose process died is rung and taken over', async () => {
    const payload = await claimOne();
    const key = { schedule: payload.type, scheduled_for: new Date(payload.scheduled_for) };
    expect(await startRun(database, key, 'dying')).toEqual({ state: 'started', attempt: 1 });
    expect(await runScheduled({ database, host: 'w' }, payload, async () => 'no')).toBe(false);
    const silent = [{ $set: { heartbeat_at: { $subtract: ['$heartbeat_at', RUN_SILENT_MS + 1_000] } } }];
    await database.scheduleRuns.updateOne(key, silent);
    clock = await readServerTime(database);
    await database.scheduleRuns.updateOne(key, {
      $set: { rung_at: new Date(clock.getTime() - 3 * MINUTE_MS) },
    });
    rings = [];
    await scheduler().look();
    expect(rings).toContainEqual(payload);
    expect(await runScheduled({ database, host: 'w' }, payload, async () => 'yes')).toBe(true);
  });

  test('a run that ended its process three times is set aside with a dead letter, and rung no more', async () => {
    const payload = await claimOne();
    const key = { schedule: payload.type, scheduled_for: new Date(payload.scheduled_for) };
    // Failing is an end: it does not count among the deaths that follow.
    const fail = async (): Promise<string> => {
      throw new Error('not yet');
    };
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(runScheduled({ database, host: 'w' }, payload, fail)).rejects.toThrow('not yet');
    }
    const old = (ms: number) => [
      {
        $set: {
          heartbeat_at: { $subtract: ['$heartbeat_at', ms] },
          rung_at: { $subtract: ['$heartbeat_at', ms] },
        },
      },
    ];
    for (let death = 1; death <= 3; death += 1) {
      expect((await startRun(database, key, 'dying')).state).toBe('started');
      await database.scheduleRuns.updateOne(key, old(RUN_SILENT_MS + 60_000));
      clock = await readServerTime(database);
      rings = [];
      await Promise.all(['a', 'b'].map((host) => scheduler([nightly], host).look()));
      expect(rings).toEqual(
        death < 3 ? [expect.objectContaining({ scheduled_for: payload.scheduled_for })] : [],
      );
    }
    expect(errors).toEqual([]);
    expect(await database.scheduleRuns.findOne(key)).toMatchObject({
      state: 'failed',
      outcome: 'It ended its process three times.',
    });
    const { v, type, scheduled_for } = payload;
    expect(await database.deadLetters.find({}).toArray()).toMatchObject([
      { source: 'job', queue: 'analytics', reference: { v, type, scheduled_for }, attempts: 6 },
    ]);
    const alerts = await database.outbox.find({}).toArray();
    expect(alerts.map(({ event }) => event.payload.data['code'])).toEqual(['dead_letter']);
    // A person may send it again.
    expect(await runScheduled({ database, host: 'w' }, payload, async () => 'well')).toBe(true);
  });

  test('a lost run of a schedule that skips is closed', async () => {
    await scheduler([skipping]).look();
    pass(MINUTE_MS);
    await scheduler([skipping]).look();
    pass(10 * MINUTE_MS + 1);
    await scheduler([skipping]).look();
    const runs = await listRuns(database, skipping.name, 10);
    expect(runs.map((run) => run.state)).toEqual(['claimed', 'skipped']);
  });
});

describe('a run', () => {
  const fired = async () => {
    await scheduler().look();
    pass(DAY_MS);
    await scheduler().look();
    return rings[0] as Extract<JobPayload, { type: 'roll-up-variance' }>;
  };

  test('of ten deliveries one works, and it is recorded', async () => {
    const payload = await fired();
    let worked = 0;
    const ran = await Promise.all(
      Array.from({ length: 10 }, () =>
        runScheduled({ database, host: 'w' }, payload, async () => {
          worked += 1;
          return '3 documents';
        }),
      ),
    );
    expect([worked, ran.filter(Boolean).length]).toEqual([1, 1]);
    const [run] = await listRuns(database, payload.type, 1);
    expect(run).toMatchObject({ state: 'done', outcome: '3 documents', host: 'w', attempt: 1 });
    expect(run!.finished_at! >= run!.started_at!).toBe(true);
  });

  test('that fails is recorded, thrown on and may be tried again', async () => {
    const payload = await fired();
    const fail = async (): Promise<string> => {
      throw new Error('$out of luck');
    };
    await expect(runScheduled({ database, host: 'w' }, payload, fail)).rejects.toThrow('out of luck');
    expect((await listRuns(database, payload.type, 1))[0]).toMatchObject({
      state: 'failed',
      outcome: '$out of luck',
    });
    expect(await runScheduled({ database, host: 'w' }, payload, async () => 'well')).toBe(true);
    const [run] = await listRuns(database, payload.type, 1);
    expect(run).toMatchObject({ state: 'done', outcome: 'well', attempt: 2 });
  });

  test('that is interrupted by a stop is handed back', async () => {
    const payload = await fired();
    const stop = new AbortController();
    const interrupted = async (): Promise<string> => {
      stop.abort();
      return 'half of it';
    };
    await runScheduled({ database, host: 'w', stopping: stop.signal }, payload, interrupted);
    pass(2 * MINUTE_MS);
    await scheduler().look();
    expect(rings).toHaveLength(2);
    expect(await runScheduled({ database, host: 'v' }, payload, async () => 'all of it')).toBe(true);
  });

  test('that a person triggers is claimed and recorded like any', async () => {
    expect(await triggerSchedule(dependencies([nightly], 'a'), nightly)).toBe(true);
    const payload = rings[0] as Extract<JobPayload, { type: 'roll-up-variance' }>;
    expect(payload).toMatchObject({ scheduled_for: clock.toISOString(), backfilled: false });
    expect(await runScheduled({ database, host: 'w' }, payload, async () => 'ok')).toBe(true);
  });

  test('of a job that no schedule claimed works without a record', async () => {
    const fire = { type: 'roll-up-variance', scheduled_for: clock.toISOString() };
    expect(await runScheduled({ database, host: 'w' }, fire, async () => 'ok')).toBe(true);
    expect(await listRuns(database, fire.type, 1)).toEqual([]);
  });
});

test('a scheduler may be stopped before it starts, and twice', async () => {
  const one = scheduler();
  await one.stop();
  await one.start();
  await one.stop();
  await one.stop();
});
