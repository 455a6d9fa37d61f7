import type { Redis, RedisOptions } from 'ioredis';
import type { Logger } from '../runtime/logger.ts';

/** A command that got no answer in this time failed: a half-open connection must not stop a loop for ever. */
export const COMMAND_TIMEOUT_MS = 5_000;

/** Tried for ever: every 50 ms at first, every 2 s in a long outage. */
const retryAfterMs = (attempt: number): number => Math.min(attempt * 50, 2_000);

/**
 * A connection of its own for one service, to where `redis` goes. A command fails at once while Redis is
 * away and is never sent a second time by the client: the loops decide what to do again. An outage is
 * logged once at its start and once at its end.
 */
export function openConnection(
  redis: Redis,
  logger: Logger,
  purpose: string,
  options: Partial<RedisOptions> = {},
): Redis {
  const own: Partial<RedisOptions> = {
    connectionName: `${redis.options.connectionName ?? 'sve'}-${purpose}`,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // 0: what waits for an answer fails as soon as the connection breaks; null would leave it waiting.
    maxRetriesPerRequest: 0,
    lazyConnect: false,
    // Not the shared connection's limit; undefined is none, 0 would be 0 ms.
    commandTimeout: undefined,
    retryStrategy: retryAfterMs,
    ...options,
  };
  const connection: Redis = redis.duplicate(own);
  let away = false;
  connection.on('error', (error: Error) => {
    if (!away) logger.warn({ purpose, reason: error.message }, 'Redis is away');
    away = true;
  });
  connection.on('ready', () => {
    if (away) logger.info({ purpose }, 'Redis is back');
    away = false;
  });
  return connection;
}

/** Resolves once the connection can take commands; throws when it cannot within `ms`. */
export async function untilReady(connection: Redis, ms: number): Promise<void> {
  if (connection.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const onReady = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      connection.off('ready', onReady);
      reject(new Error(`Redis did not answer within ${ms} ms.`));
    }, ms);
    connection.once('ready', onReady);
  });
}
