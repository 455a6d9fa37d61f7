// What survives when processes die: the API acknowledges, a worker is killed, Redis forgets.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { call, type EngineProcess, engineEnvironment, spawnEngine, token } from '../../support/engine.ts';
import { freshDatabase, freshRedisPrefix, type TestDatabase } from '../../support/test-database.ts';

let database: TestDatabase;
let prefix: string;
let running: EngineProcess[];

beforeEach(async () => {
  database = await freshDatabase();
  prefix = freshRedisPrefix();
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((engine) => engine.end('SIGKILL')));
  await database.drop();
});

async function start(roles: string): Promise<EngineProcess> {
  const engine = await spawnEngine(engineEnvironment(database, prefix, { ENGINE_ROLES: roles }));
  running.push(engine);
  return engine;
}

const batchOf = (device: string, items: number) => ({
  batch_id: randomUUID(),
  device_id: device,
  queue_epoch: 'e1',
  sent_at: Date.now(),
  items: [
    {
      id: 1,
      operation: 'session_start',
      entity_type: 'session',
      payload: { session_id: device, warehouse: 'W-1', started_at: Date.now() },
      created_at: Date.now(),
    },
    ...Array.from({ length: items }, (_, index) => ({
      id: index + 2,
      operation: 'count_update',
      entity_type: 'count_line',
      payload: { session_id: device, item_code: `I-${index}`, counted_qty: index, counted_at: Date.now() },
      created_at: Date.now(),
    })),
  ],
});

const post = async (engine: EngineProcess, batch: unknown, wait?: number) =>
  call(
    engine.url,
    await token('staff-1', 'staff'),
    'POST',
    '/api/sync/batches',
    batch,
    wait === undefined ? {} : { prefer: `wait=${wait}` },
  );

/** The batch's status once it is applied. */
async function applied(engine: EngineProcess, batchId: string) {
  const accessToken = await token('staff-1', 'staff');
  return expect
    .poll(async () => (await call(engine.url, accessToken, 'GET', `/api/sync/batches/${batchId}`)).body, {
      timeout: 50_000,
      interval: 100,
    })
    .toMatchObject({ state: 'applied' });
}

describe('a batch that was acknowledged', () => {
  it('waits as received while no worker runs, and is applied by one that comes later', async () => {
    const api = await start('api');
    const batch = batchOf('phone-1', 3);
    expect(await post(api, batch, 1)).toMatchObject({
      status: 202,
      body: { state: 'received', received: 4 },
    });
    const worker = await start('worker');
    await applied(api, batch.batch_id);
    expect(await database.db.collection('count_lines').countDocuments()).toBe(3);
    expect(worker.lines.join('\n')).not.toContain(await token('staff-1', 'staff'));
  });

  it('is applied although Redis forgot everything, once the sweep rings again', async () => {
    const api = await start('api');
    await start('scheduler');
    const batch = batchOf('phone-1', 3);
    await post(api, batch);
    const redis = new Redis(inject('redisUrl'));
    const keys = await redis.keys(`${prefix}*`);
    expect(keys.length).toBeGreaterThan(0);
    await redis.del(...keys);
    redis.disconnect();
    const forgottenAt = performance.now();
    await start('worker');
    await applied(api, batch.batch_id);
    expect(performance.now() - forgottenAt).toBeLessThan(60_000);
    expect(await database.db.collection('sync_operations').countDocuments()).toBe(4);
  }, 70_000);

  it('is applied exactly once although its worker was killed while it applied it', async () => {
    const api = await start('api');
    const batches = Array.from({ length: 4 }, (_, index) => batchOf(`phone-${index}`, 150));
    const first = await start('worker');
    for (const batch of batches) await post(api, batch);
    await first.end('SIGKILL');
    await start('worker,scheduler');
    for (const batch of batches) await applied(api, batch.batch_id);
    expect(await database.db.collection('count_lines').countDocuments()).toBe(4 * 150);
    const versions = await database.db.collection('count_lines').distinct('version');
    expect(versions).toEqual([1]);
    expect(await database.db.collection('sync_operations').countDocuments()).toBe(4 * 151);
  }, 90_000);
});

describe('an upload', () => {
  it('that is sent twice at once is stored once', async () => {
    const engine = await start('api,worker');
    const batch = batchOf('phone-1', 50);
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(engine, batch, 10)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200));
    expect(await database.db.collection('sync_batches').countDocuments()).toBe(1);
    expect(await database.db.collection('sync_operations').countDocuments()).toBe(51);
  });

  it('that waits is answered 202 when the process is asked to stop', async () => {
    const api = await start('api');
    const waiting = post(api, batchOf('phone-1', 1), 30);
    await expect
      .poll(() => database.db.collection('sync_batches').countDocuments(), { timeout: 10_000 })
      .toBe(1);
    const startedAt = performance.now();
    expect(await api.end('SIGTERM')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await waiting).toMatchObject({ status: 202, body: { state: 'received' } });
  });
});

describe('the engine', () => {
  it('lists every wrong or missing variable at once and exits 1', async () => {
    const wrong = {
      MONGODB_URL: 'http://nowhere',
      JWT_SECRET: 'short',
      PORT: 'many',
      BUSINESS_TIMEZONE: 'Mars/Olympus',
      NIGHTLY_CRON: 'at night',
      ENGINE_ROLES: 'api,captain',
    };
    const failure = await spawnEngine(wrong).then(
      () => 'it started',
      (error: Error) => error.message,
    );
    expect(failure).toContain('exit 1');
    for (const name of [...Object.keys(wrong), 'REDIS_URL']) expect(failure).toContain(name);
  });

  it('says that roll-ups wait after a change of zone, and goes on taking counts', async () => {
    const stored = { timezone: 'Asia/Kathmandu', tolerance_percent: 0, formula_version: 1 };
    const settings = database.db.collection<{ _id: string }>('engine_settings');
    await settings.insertOne({ _id: 'analytics', ...stored });
    const engine = await start('api,worker');
    const accessToken = await token('staff-1', 'staff');
    expect(await call(engine.url, accessToken, 'GET', '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ok', analytics: 'settings_changed' },
    });
    expect((await post(engine, batchOf('phone-1', 1), 10)).status).toBe(200);
  });

  it('opens its port for health in every role, and routes only as an API', async () => {
    const worker = await start('worker');
    const accessToken = await token('supervisor-1', 'supervisor');
    expect(await call(worker.url, accessToken, 'GET', '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { mongodb: true, redis: true } },
    });
    expect((await call(worker.url, accessToken, 'GET', '/api/locks')).status).toBe(404);
  });
});
