// What backfill and audit share: the range of dates and the connection, from flags and environment.
import { ConfigError, loadConfig } from '../src/config/config.ts';
import type { PeriodType } from '../src/contract/schemas/variance-analytics.ts';
import type { Database } from '../src/db/database.ts';
import { ensureSchema } from '../src/db/schema/ensure-schema.ts';
import { readServerTime } from '../src/db/server-time.ts';
import type { AnalyticsSettings } from '../src/db/variance/analytics-settings.ts';
import { findFirstCounted } from '../src/db/variance/first-counted.ts';
import { rangeProblem } from '../src/domain/variance/date-range.ts';
import { type DateRange, localDay, PERIOD_TYPES, periodOf } from '../src/domain/variance/periods.ts';
import { reachMongo } from '../src/jobs/reach-servers.ts';
import { UsageError } from './cli.ts';

export interface Analytics {
  database: Database;
  settings: AnalyticsSettings;
}

/** Connects as the environment says, runs `work`, disconnects. A wrong environment is a UsageError. */
export async function withAnalytics<T>(work: (analytics: Analytics) => Promise<T>): Promise<T> {
  const config = readConfig();
  const database = await reachMongo({
    url: config.mongodbUrl,
    dbName: config.mongodbDb,
    sessionsCollection: config.sessionsCollection,
    appName: 'stock-verify-analytics',
  });
  try {
    await ensureSchema(database);
    return await work({
      database,
      settings: { timezone: config.timezone, tolerancePercent: config.tolerancePercent },
    });
  } finally {
    await database.client.close();
  }
}

function readConfig() {
  try {
    return loadConfig();
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.problems.join('; '));
    throw error;
  }
}

/** Refuses a wrong date or range before anything is connected. */
export function checkDates({ from, to }: Partial<DateRange>): void {
  const range = { from: from ?? to ?? '2000-01-01', to: to ?? from ?? '2000-01-01' };
  const problem = rangeProblem(range, { from: '--from', to: '--to' });
  if (problem !== undefined) throw new UsageError(problem);
}

/** The range that was asked for; a missing end is the day of the first count, or today. */
export async function completeRange(
  { database, settings }: Analytics,
  given: { from: string | undefined; to: string | undefined },
): Promise<DateRange> {
  const today = localDay(await readServerTime(database), settings.timezone);
  const range = { from: given.from ?? (await firstDay(database, settings, today)), to: given.to ?? today };
  if (range.from > range.to && given.to === undefined) range.to = range.from;
  if (range.from > range.to) range.from = range.to;
  checkDates(range);
  return range;
}

async function firstDay(database: Database, settings: AnalyticsSettings, today: string): Promise<string> {
  const first = await findFirstCounted(database);
  if (!first) return today;
  // Its week and month begin before it, and have documents.
  const starts = PERIOD_TYPES.map((type) => periodOf(type, first, settings.timezone).first_day);
  return starts.sort()[0] ?? today;
}

/** `daily,weekly` as a list, in the fixed order; all three when nothing was given. */
export function parsePeriodTypes(text: string | undefined): PeriodType[] {
  if (text === undefined) return [...PERIOD_TYPES];
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !PERIOD_TYPES.includes(name as PeriodType));
  if (unknown !== undefined) {
    throw new UsageError(`--period knows daily, weekly and monthly, not '${unknown}'`);
  }
  return PERIOD_TYPES.filter((type) => names.includes(type));
}
