// Locks over a MongoDB that was restarted and a Redis that forgot, on servers of this file's own.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { takeLockNow } from '../../../src/db/locks/lock-now.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { type Services, startServices } from '../../../tools/services/start-services.ts';
import { type EngineProcess, engineEnvironment, spawnEngine } from '../../support/engine.ts';
import { dropDatabase, request, story, take } from './lock-database.ts';

let services: Services;
beforeAll(async () => {
  // Also when the run was given servers: those are not ours to kill.
  const { MONGODB_URL: _mongo, REDIS_URL: _redis, ...env } = process.env;
  services = await startServices({ env });
});
afterAll(() => services.stop());

async function freshDatabase(): Promise<Database> {
  const database = await connectDatabase({ url: services.mongoUrl, dbName: `restarts_${randomUUID()}` });
  onTestFinished(() => dropDatabase(database));
  await ensureSchema(database);
  return database;
}

describe('over a restart of MongoDB', () => {
  test('the fence goes on, a lock is held, and its end is not lost', async ({ skip }) => {
    const mongo = services.servers.mongo;
    if (!mongo) return skip(`${services.found.mongo} cannot be restarted`);
    const database = await freshDatabase();
    await take(database, 'short', 'mira', { ttl_seconds: 1 });
    const held = await take(database, 'held', 'mira');
    await mongo.kill();
    await mongo.restart();
    const again = await onceBack(() => takeLockNow(database, request('held', 'omar')));
    expect(again).toEqual({ taken: false, holder: held });
    await expect
      .poll(async () => (await takeLockNow(database, request('short', 'omar'))).taken, { timeout: 5_000 })
      .toBe(true);
    expect(await story(database, 'short')).toEqual(['created 1', 'expired 1', 'created 2']);
    expect((await database.lockFences.findOne({ _id: 'short' }))!.fence).toBe(2);
  });
});

describe('a running engine that lost every ring', () => {
  const MINUTE_MS = 60_000;

  test('ends a lock although Redis was flushed after it was taken', async () => {
    const database = await freshDatabase();
    await running(database);
    const lock = await take(database, 'flushed', 'mira', { ttl_seconds: 2 });
    const redis = new Redis(services.redisUrl);
    await redis.flushall();
    redis.disconnect();
    await expectExpired(database, 'flushed', lock.expires_at);
  }, 120_000);

  test('ends a lock that ran out while nobody ran, once', async () => {
    const database = await freshDatabase();
    const engine = await running(database);
    await engine.end('SIGKILL');
    const lock = await take(database, 'unwatched', 'mira', { ttl_seconds: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await running(database);
    await expectExpired(database, 'unwatched', lock.expires_at);
  }, 120_000);

  async function running(database: Database): Promise<EngineProcess> {
    const url = new URL(services.mongoUrl);
    url.pathname = `/${database.db.databaseName}`;
    const engine = await spawnEngine(
      engineEnvironment({ url: url.href }, `{${randomUUID()}}`, { REDIS_URL: services.redisUrl }),
    );
    onTestFinished(async () => {
      await engine.end('SIGKILL');
    });
    return engine;
  }

  /** As late as L6 allows after a restart or a lost queue; the sweep comes every 5 s. */
  async function expectExpired(database: Database, item: string, expiresAt: Date): Promise<void> {
    await expect
      .poll(() => story(database, item), { timeout: MINUTE_MS })
      .toEqual(['created 1', 'expired 1']);
    const end = await database.lockHistory.findOne({ item_code: item, ended: true });
    expect(end!.at.getTime() - expiresAt.getTime()).toBeLessThan(MINUTE_MS);
  }
});

/** The driver needs a moment to find the server again. */
async function onceBack<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (attempts === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
