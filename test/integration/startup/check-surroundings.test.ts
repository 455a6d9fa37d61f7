import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { checkSurroundings, type Surroundings } from '../../../src/jobs/check-surroundings.ts';
import { freshDatabase, type TestDatabase } from '../../support/test-database.ts';

const config = { timezone: 'Europe/Berlin', tolerancePercent: 0 };
const FIT = 'redis_version:7.2.0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n';

let fresh: TestDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = await connectDatabase({ url: fresh.url, dbName: fresh.name });
});

afterAll(async () => {
  await database?.client.close();
  await fresh?.drop();
});

const check = async (info: Surroundings['redis']['info'], over: Partial<Surroundings> = {}) => {
  const findings = await checkSurroundings({ database, redis: { info }, config, ...over });
  return findings.map(({ severity, code }) => `${severity} ${code}`);
};
const answering =
  (text: string): Surroundings['redis']['info'] =>
  async () =>
    text;

describe('checkSurroundings', () => {
  it('finds nothing to stop the start on the servers of the tests', async () => {
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const findings = await checkSurroundings({ database, redis, config });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('is silent about fit ones', async () => {
    expect(await check(answering(FIT))).toEqual([]);
  });

  it('puts what stops the start first', async () => {
    const evicting = FIT.replace('noeviction', 'allkeys-lru').replace('aof_enabled:1', 'aof_enabled:0');
    expect(await check(answering(evicting))).toEqual(['error redis_evicts', 'warning redis_not_persistent']);
  });

  it('only warns where INFO is refused', async () => {
    const refused = Object.assign(new Error('NOPERM this user has no permissions'), { name: 'ReplyError' });
    expect(await check(() => Promise.reject(refused))).toEqual([
      'warning redis_version_unknown',
      'warning redis_eviction_unknown',
      'warning redis_persistence_unknown',
    ]);
  });

  it('gives a silent Redis up after 5 s', async () => {
    const startedAt = performance.now();
    expect(await check(() => new Promise(() => {}))).toEqual(['error redis_unreachable']);
    expect(performance.now() - startedAt).toBeGreaterThan(4_900);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
  });

  it('says that MongoDB is away when nobody listens there', async () => {
    const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 500 });
    onTestFinished(() => client.close());
    const away: Database = { ...database, client, db: client.db('nowhere') };
    expect(await check(answering(FIT), { database: away })).toEqual(['error mongodb_unreachable']);
  });
});
