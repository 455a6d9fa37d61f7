import type { Config } from '../../src/config/config.ts';
import { reachRedis } from '../../src/jobs/reach-servers.ts';
import type { RedriveDependencies } from '../../src/jobs/redrive-dead-letter.ts';
import { createProducer } from '../../src/queues/producer.ts';
import { producerConnection } from '../../src/queues/redis-connections.ts';

type Ring = RedriveDependencies['ring'];

/** Runs `work` with a bell that rings the engine's queues. Without Redis the engine's sweeps ring instead. */
export async function withRing<T>(config: Config, work: (ring: Ring) => Promise<T>): Promise<T> {
  const redis = producerConnection(config.redisUrl);
  // The connection says why by itself, where it matters.
  redis.on('error', () => {});
  const producer = createProducer({ redis, prefix: config.queuePrefix });
  try {
    await reachRedis(redis);
    await producer.start();
  } catch {
    console.error('Redis is away: a running engine takes it up by itself, within two minutes');
    redis.disconnect();
    return work(async () => {});
  }
  try {
    return await work(producer.ringAgain);
  } finally {
    await producer.stop();
  }
}
