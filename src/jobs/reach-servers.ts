import { connectDatabase, type Database } from '../db/database.ts';
import type { Finding } from '../domain/startup/finding.ts';
import { inTime } from '../runtime/in-time.ts';
import { mongoUnreachable, redisUnreachable } from './check-surroundings.ts';

// A port that takes connections and never says a word would else be waited for without end.
const CONNECT_LIMIT_MS = 5_000;

/** A server cannot be connected; the message says which, why, and what to do. */
export class UnreachableError extends Error {
  override name = 'UnreachableError';
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(`${finding.message} ${finding.remedy}`);
    this.finding = finding;
  }
}

/** `connectDatabase`, with an UnreachableError where it fails. */
export async function reachMongo(options: Parameters<typeof connectDatabase>[0]): Promise<Database> {
  try {
    return await connectDatabase(options);
  } catch (error) {
    throw new UnreachableError(mongoUnreachable(error));
  }
}

interface RedisConnection {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
}

/** Connects a connection that was made before, or throws an UnreachableError. */
export async function reachRedis(redis: RedisConnection): Promise<void> {
  // `connect` itself only says that the connection is closed; why, it tells its listeners.
  let reason: unknown;
  const remember = (error: unknown): void => {
    reason = error;
  };
  redis.on('error', remember);
  try {
    await inTime(redis.connect(), CONNECT_LIMIT_MS);
  } catch (error) {
    throw new UnreachableError(redisUnreachable(reason ?? error));
  } finally {
    redis.off('error', remember);
  }
}
