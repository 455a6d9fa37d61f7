import type { VarianceAnalytics } from '../../../src/contract/schemas/variance-analytics.ts';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import type { AnalyticsSettings } from '../../../src/db/variance/analytics-settings.ts';
import { type RollUpSummary, rollUpVariance } from '../../../src/jobs/roll-up-variance.ts';
import { freshDatabase } from '../../support/test-database.ts';

export interface AnalyticsDatabase {
  database: Database;
  url: string;
  close(): Promise<void>;
}

/** An engine database of its own with the whole schema. */
export async function analyticsDatabase(): Promise<AnalyticsDatabase> {
  const fresh = await freshDatabase();
  const database = await connectDatabase({ url: fresh.url, dbName: fresh.name });
  await ensureSchema(database);
  return {
    database,
    url: fresh.url,
    close: async () => {
      await database.client.close();
      await fresh.drop();
    },
  };
}

/** Empties what the roll-up reads and writes, so that one database serves many histories. */
export async function clearAnalytics(database: Database): Promise<void> {
  await Promise.all([
    database.lines.deleteMany({}),
    database.analytics.deleteMany({}),
    database.dirtyPeriods.deleteMany({}),
    database.periodGuards.deleteMany({}),
    database.backfillRuns.deleteMany({}),
    database.settings.deleteMany({ _id: 'analytics' }),
  ]);
}

export const rollUp = (database: Database, settings: AnalyticsSettings): Promise<RollUpSummary> =>
  rollUpVariance({ database, settings, notifyOutbox: () => {} });

/** All documents without what tells versions apart, ordered as the brute force orders its own. */
export async function storedDocuments(
  database: Database,
): Promise<Omit<VarianceAnalytics, 'generation' | 'generated_at' | 'generated_by'>[]> {
  const rows = await database.analytics
    .find({}, { projection: { _id: 0 }, sort: { period_start: 1 } })
    .toArray();
  const order = ['daily', 'weekly', 'monthly'];
  return rows
    .sort((a, b) => order.indexOf(a.period_type) - order.indexOf(b.period_type))
    .map(({ generation, generated_at, generated_by, ...content }) => content);
}

/** Every byte of every document, versions included: equal before and after means that nothing was written. */
export const allBytes = async (database: Database): Promise<string> =>
  JSON.stringify(await database.analytics.find({}, { sort: { period_type: 1, period_start: 1 } }).toArray());
