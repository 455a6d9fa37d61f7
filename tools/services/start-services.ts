// MongoDB and Redis for the demo, the tests, the benchmarks and development: found or started, and stopped.
import { findMongoDb } from './find-mongodb.ts';
import { findRedis } from './find-redis.ts';
import { interruptible } from './interruptible.ts';
import type { CrashableServer, MongoSource, RedisSource } from './service.ts';

export interface ServicesOptions {
  /** Gets one line for each step that takes time and for each server that was taken. Default: silence. */
  readonly report?: (message: string) => void;
  /** Where MONGODB_URL, REDIS_URL and PATH are read. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv;
  /** Redis acknowledges only what its append-only file holds: for tests that kill it. Default false. */
  readonly appendOnly?: boolean;
}

export interface Services {
  readonly mongoUrl: string;
  readonly redisUrl: string;
  readonly found: { readonly mongo: MongoSource; readonly redis: RedisSource };
  /** What a test may kill and restart; only servers that were started here and can be started again. */
  readonly servers: { readonly mongo?: CrashableServer; readonly redis?: CrashableServer };
  /** Ends what was started and removes its data. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Finds both servers, or starts them on free ports of 127.0.0.1. What was started also ends when this process
 * does, however that happens. Takes about 1 s, once about a minute where packages have to be installed.
 * Throws ServicesUnavailable or InstallError, with nothing left running.
 */
export function startServices(options: ServicesOptions = {}): Promise<Services> {
  return interruptible((signal) => start(options, signal));
}

async function start(options: ServicesOptions, signal: AbortSignal): Promise<Services> {
  const report = options.report ?? (() => {});
  const find = { env: options.env ?? process.env, report, signal };
  const [redis, mongo] = await Promise.allSettled([
    findRedis({ ...find, appendOnly: options.appendOnly ?? false }),
    findMongoDb(find),
  ]);
  if (redis.status === 'rejected' || mongo.status === 'rejected') {
    await Promise.all(
      [redis, mongo].map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)),
    );
    throw [mongo, redis].find((one) => one.status === 'rejected')?.reason;
  }
  report(`MongoDB: ${mongo.value.description}, ${withoutPassword(mongo.value.url)}`);
  report(`Redis: ${redis.value.description}, ${withoutPassword(redis.value.url)}`);
  return {
    mongoUrl: mongo.value.url,
    redisUrl: redis.value.url,
    found: { mongo: mongo.value.source, redis: redis.value.source },
    servers: {
      ...(mongo.value.server && { mongo: mongo.value.server }),
      ...(redis.value.server && { redis: redis.value.server }),
    },
    stop: async () => {
      await Promise.all([mongo.value.stop(), redis.value.stop()]);
    },
  };
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/([^:@/]*):[^@/]*@/, '//$1:***@');
}
