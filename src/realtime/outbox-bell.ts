import type { Redis } from 'ioredis';
import type { Logger } from '../runtime/logger.ts';
import { openConnection } from './redis-connection.ts';

/** Tells the publisher that events were committed. */
export interface OutboxBell {
  /** Returns at once and never throws; a ring that gets lost costs at most the publisher's poll of 1 s. */
  ring(): void;
}

/** A bell on a shared connection. Rings that come while one is under way become one. */
export function createOutboxBell(options: { redis: Redis; channel: string }): OutboxBell {
  const { redis, channel } = options;
  let underway = false;
  let again = false;
  const ring = (): void => {
    // A connection that is away would queue rings without bound; the poll does their work.
    if (redis.status !== 'ready') return;
    if (underway) {
      again = true;
      return;
    }
    underway = true;
    const done = (): void => {
      underway = false;
      if (!again) return;
      again = false;
      ring();
    };
    redis.publish(channel, '1').then(done, done);
  };
  return { ring };
}

/** Calls `onRing` at every ring until `stop`; subscribes again by itself after an outage. */
export function listenToBell(options: {
  redis: Redis;
  channel: string;
  logger: Logger;
  onRing: () => void;
}): { stop(): void } {
  const connection = openConnection(options.redis, options.logger, 'bell', {
    // The one subscription waits for Redis as long as it takes.
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
  });
  connection.on('message', options.onRing);
  // Whatever was committed while nobody listened is fetched now instead of at the next poll.
  connection.on('ready', options.onRing);
  connection.subscribe(options.channel).catch(() => {
    // Only when the connection is closed for good; the poll remains.
  });
  return { stop: () => connection.disconnect() };
}
