import { Redis } from 'ioredis';

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 2_000;

const reconnect = (attempt: number): number => Math.min(50 * 2 ** attempt, MAX_RECONNECT_DELAY_MS);

/**
 * A connection for those who ring: a command fails at once while Redis is away, because nothing that rings
 * may wait for it. Call `connect()` before use.
 */
export const producerConnection = (redisUrl: string): Redis =>
  quiet(
    new Redis(redisUrl, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: 2_000,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: reconnect,
    }),
  );

/** A connection for workers and subscribers: they wait for Redis to come back, however long it takes. */
export const workerConnection = (redisUrl: string): Redis =>
  quiet(
    new Redis(redisUrl, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxRetriesPerRequest: null,
      retryStrategy: reconnect,
    }),
  );

// ioredis reports each failed reconnect as an `error` event; the readiness check says it once instead.
function quiet(redis: Redis): Redis {
  redis.on('error', () => {});
  return redis;
}
