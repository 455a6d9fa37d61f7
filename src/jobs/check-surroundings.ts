import type { Config } from '../config/config.ts';
import { loadMongoFacts, peekChangedSettings } from '../db/check-server.ts';
import type { Database } from '../db/database.ts';
import { error, type Finding, warning } from '../domain/startup/finding.ts';
import { judgeMongo } from '../domain/startup/judge-mongo.ts';
import { judgeRedis } from '../domain/startup/judge-redis.ts';
import { loadRedisInfo } from '../queues/check-redis.ts';
import { inTime } from '../runtime/in-time.ts';

/** A server that is slower than this is away. */
const LIMIT_MS = 5_000;

type Settings = Pick<Config, 'timezone' | 'tolerancePercent'>;
type InfoSource = Parameters<typeof loadRedisInfo>[0];

export interface Surroundings {
  /** Connected. */
  database: Database;
  redis: InfoSource;
  config: Settings;
}

/**
 * Everything that is wrong with the servers and with what they hold (contract 8), errors first. Never
 * rejects and takes 5 s at most: a server that does not answer is a finding itself. Writes nothing.
 */
export async function checkSurroundings({ database, redis, config }: Surroundings): Promise<Finding[]> {
  const findings = await Promise.all([checkMongo(database, config), checkRedis(redis)]);
  return findings.flat().toSorted((a, b) => a.severity.localeCompare(b.severity));
}

/** MongoDB's part of `checkSurroundings`. */
export async function checkMongo(database: Database, settings: Settings): Promise<Finding[]> {
  const load = async () => ({
    facts: await loadMongoFacts(database),
    changed: await peekChangedSettings(database, settings),
  });
  try {
    const { facts, changed } = await inTime(load(), LIMIT_MS);
    return [...judgeMongo(facts), ...(changed ? [settingsChanged(changed)] : [])];
  } catch (reason) {
    return [mongoUnreachable(reason)];
  }
}

/** Redis's part of `checkSurroundings`. */
export async function checkRedis(redis: InfoSource): Promise<Finding[]> {
  try {
    return judgeRedis(await inTime(loadRedisInfo(redis), LIMIT_MS));
  } catch (reason) {
    return [redisUnreachable(reason)];
  }
}

/** MongoDB cannot be connected, lets us in no further, or gave no answer. */
export const mongoUnreachable = (reason: unknown): Finding =>
  error(
    'mongodb_unreachable',
    `MongoDB cannot be used: ${firstLine(reason)}.`,
    'Start it (npm run services -- up), or correct MONGODB_URL.',
  );

/** Redis cannot be connected, lets us in no further, or gave no answer. */
export const redisUnreachable = (reason: unknown): Finding =>
  error(
    'redis_unreachable',
    `Redis cannot be used: ${firstLine(reason)}.`,
    'Start it (npm run services -- up), or correct REDIS_URL.',
  );

// The engine runs, but its roll-up refuses to mix documents of two zones or tolerances.
const settingsChanged = ({ timezone, tolerancePercent }: Settings): Finding =>
  warning(
    'analytics_settings_changed',
    `The stored analytics were made for ${timezone} with a tolerance of ${tolerancePercent} %; no nightly run is written.`,
    'Set BUSINESS_TIMEZONE and ACCURACY_TOLERANCE_PERCENT back, or: npm run backfill -- --reprocess all',
  );

function firstLine(reason: unknown): string {
  const text = reason instanceof Error && reason.message !== '' ? reason.message : String(reason);
  return (text.split('\n', 1)[0] ?? '').replace(/\.$/, '');
}
