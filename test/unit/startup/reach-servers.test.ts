import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { reachMongo, reachRedis, UnreachableError } from '../../../src/jobs/reach-servers.ts';
import { producerConnection } from '../../../src/queues/redis-connections.ts';

/** A port that nobody listens on: opened once, so that it was free. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const refusal = (attempt: Promise<unknown>): Promise<unknown> => attempt.then(() => undefined, String);

test('a MongoDB that is away is named, with where, why and what to do', async () => {
  const port = await deadPort();
  const url = `mongodb://127.0.0.1:${port}`;
  const attempt = reachMongo({ url, dbName: 'shop' });
  await expect(attempt).rejects.toBeInstanceOf(UnreachableError);
  expect(await refusal(attempt)).toMatch(
    new RegExp(`MongoDB cannot be used: .*ECONNREFUSED 127.0.0.1:${port}\\. Start it .*MONGODB_URL\\.$`),
  );
}, 10_000);

test('so is a Redis, with the reason that its connection keeps for its listeners', async () => {
  const port = await deadPort();
  const redis = producerConnection(`redis://127.0.0.1:${port}`);
  const attempt = reachRedis(redis);
  await expect(attempt).rejects.toBeInstanceOf(UnreachableError);
  redis.disconnect();
  expect(await refusal(attempt)).toMatch(
    new RegExp(`Redis cannot be used: .*ECONNREFUSED 127.0.0.1:${port}\\. Start it .*REDIS_URL\\.$`),
  );
});
