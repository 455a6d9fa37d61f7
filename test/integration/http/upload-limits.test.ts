import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { producerConnection } from '../../../src/queues/redis-connections.ts';
import { createUploadLimiter } from '../../../src/queues/upload-limiter.ts';
import { call, type EngineProcess, engineEnvironment, spawnEngine, token } from '../../support/engine.ts';
import { freshDatabase, freshRedisPrefix, type TestDatabase } from '../../support/test-database.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { batchOf } from './http-engine.ts';

const connected = async () => {
  const redis = producerConnection(inject('redisUrl'));
  await redis.connect();
  return redis;
};

/** A minute is counted from its start on the clock: what follows must not run into the next one. */
async function untilMinuteHasSeconds(seconds: number): Promise<void> {
  const left = 60 - ((Date.now() / 1000) % 60);
  if (left < seconds) await sleep(left * 1000 + 50);
}

describe('uploads counted in Redis', () => {
  let redis: Awaited<ReturnType<typeof connected>>;
  beforeAll(async () => {
    redis = await connected();
  });
  afterAll(() => redis.disconnect());
  // The clock stands still, so that a minute ends when a test says so.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-03-02T10:00:10Z') });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Takes `times` uploads, `at` so many at once; the answers that were no `undefined`. */
  async function refusals(
    times: number,
    take: (n: number) => Promise<number | undefined>,
  ): Promise<number[]> {
    const answers: (number | undefined)[] = [];
    for (let from = 0; from < times; from += 20) {
      const some = Array.from({ length: Math.min(20, times - from) }, (_, n) => take(from + n));
      answers.push(...(await Promise.all(some)));
    }
    return answers.filter((answer) => answer !== undefined);
  }

  test.each([
    ['user', 120, (n: number) => ({ user: 'ana', address: `10.0.0.${n}` })],
    ['address', 3_000, (n: number) => ({ user: `user ${n}`, address: '10.0.0.1' })],
  ])('per %s the first %i of a minute pass', async (_name, limit, who) => {
    const { take } = createUploadLimiter(redis, freshRedisPrefix());
    const upload = (n: number) => take(who(n).user, who(n).address);
    expect(await refusals(limit, upload)).toEqual([]);
    expect(await refusals(3, upload)).toEqual([50, 50, 50]);
    expect(await take('someone else', 'elsewhere')).toBeUndefined();
  });

  test('the seconds that it says are those after which it passes', async () => {
    const { take } = createUploadLimiter(redis, freshRedisPrefix());
    await refusals(120, () => take('ana', 'here'));
    const seconds = (await take('ana', 'here'))!;
    vi.setSystemTime(Date.now() + seconds * 1000 - 1);
    expect(await take('ana', 'here')).toBe(1);
    vi.setSystemTime(Date.now() + 1);
    expect(await take('ana', 'here')).toBeUndefined();
  });

  test('two processes count together', async () => {
    const other = await connected();
    const prefix = freshRedisPrefix();
    const limiters = [createUploadLimiter(redis, prefix), createUploadLimiter(other, prefix)] as const;
    const take = (n: number) => limiters[(n % 2) as 0 | 1].take('ana', `${n}`);
    expect(await refusals(120, take)).toEqual([]);
    expect(await refusals(2, take)).toHaveLength(2);
    other.disconnect();
  });

  test('while Redis is away every upload passes', async () => {
    const away = await connected();
    const { take } = createUploadLimiter(away, freshRedisPrefix());
    away.disconnect();
    expect(await refusals(130, () => take('ana', 'here'))).toEqual([]);
  });
});

describe('two API processes', () => {
  let database: TestDatabase;
  let engines: EngineProcess[];
  beforeAll(async () => {
    database = await freshDatabase();
    const environment = engineEnvironment(database, freshRedisPrefix(), { ENGINE_ROLES: 'api' });
    // One after the other: the first makes the schema.
    engines = [await spawnEngine(environment), await spawnEngine(environment)];
  });
  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.end('SIGKILL')));
    await database.drop();
  });

  test('share the 120 uploads of a user; one that was accepted is answered again', async () => {
    const ana = await token('ana', 'staff');
    const upload = (n: number, batch: unknown) =>
      call(engines[n % 2]!.url, ana, 'POST', '/api/sync/batches', batch);
    const accepted = batchOf([sent.start(1, { session_id: 'S' })], { device_id: randomUUID() });
    await untilMinuteHasSeconds(20);
    expect((await upload(0, accepted)).status).toBe(202);
    const batches = Array.from({ length: 121 }, (_, n) =>
      batchOf([sent.start(n + 2, { session_id: 'S' })], { device_id: `phone ${n}` }),
    );
    const statuses: number[] = [];
    for (let from = 0; from < batches.length; from += 11) {
      const some = batches.slice(from, from + 11).map((batch, n) => upload(n, batch));
      statuses.push(...(await Promise.all(some)).map(({ status }) => status));
    }
    expect(Object.groupBy(statuses, String)).toMatchObject({ 202: Array(119).fill(202), 429: [429, 429] });
    expect(await database.db.collection('sync_batches').countDocuments()).toBe(120);
    for (const n of [0, 1]) expect((await upload(n, accepted)).status).toBe(202);
  });
});
