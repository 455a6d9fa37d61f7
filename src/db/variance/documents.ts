import type { ClientSession, Filter } from 'mongodb';
import type { PeriodType, VarianceAnalytics } from '../../contract/schemas/variance-analytics.ts';
import type { StoredPeriod } from '../../domain/variance/plan.ts';
import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import type { PeriodKey } from './period-guards.ts';

/** What plans need of every document of a zone: some 1,300 small rows for three years. */
export const listStoredPeriods = (database: Database, timezone: string): Promise<StoredPeriod[]> =>
  database.analytics
    .find({ timezone }, { maxTimeMS: MAX_TIME_MS })
    .project<StoredPeriod>({
      _id: 0,
      period_type: 1,
      period_start: 1,
      period_end: 1,
      provisional: 1,
      formula_version: 1,
    })
    .toArray();

/** The documents of a type whose period starts in [start, end), oldest first. */
export const listDocuments = (
  database: Database,
  query: { type: PeriodType; start: Date; end: Date; timezone: string },
): Promise<VarianceAnalytics[]> =>
  database.analytics
    .find(
      {
        period_type: query.type,
        period_start: { $gte: query.start, $lt: query.end },
        timezone: query.timezone,
      },
      { sort: { period_start: 1 }, projection: { _id: 0 }, maxTimeMS: MAX_TIME_MS },
    )
    .toArray();

/** Every document of every zone, oldest first: what an audit compares. */
export const listAllDocuments = (database: Database): Promise<VarianceAnalytics[]> =>
  database.analytics.find({}, { sort: { period_start: 1 }, projection: { _id: 0 } }).toArray();

/** The documents of one type at these starts, of whatever zone; absent ones are undefined. */
export async function loadDocuments(
  database: Database,
  session: ClientSession,
  query: { type: PeriodType; starts: readonly Date[] },
): Promise<(VarianceAnalytics | undefined)[]> {
  const rows = await database.analytics
    .find(
      { period_type: query.type, period_start: { $in: [...query.starts] } },
      { session, projection: { _id: 0 }, maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
  const byStart = new Map(rows.map((row) => [row.period_start.getTime(), row]));
  return query.starts.map((start) => byStart.get(start.getTime()));
}

const at = ({ type, start }: PeriodKey): Filter<VarianceAnalytics> => ({
  period_type: type,
  period_start: start,
});

/** Replaces the whole document of a period, of whatever zone, or makes it (invariant A3). */
export async function replaceDocument(
  database: Database,
  session: ClientSession,
  document: VarianceAnalytics,
): Promise<void> {
  const key = { type: document.period_type, start: document.period_start };
  await database.analytics.replaceOne(at(key), document, { session, upsert: true });
}

export async function removeDocument(
  database: Database,
  session: ClientSession,
  period: PeriodKey,
): Promise<void> {
  await database.analytics.deleteOne(at(period), { session });
}

/** Removes documents that stand at no period's start, which a change of a zone's own rules leaves behind. */
export async function removeMisplaced(database: Database, documents: readonly PeriodKey[]): Promise<void> {
  if (documents.length > 0) await database.analytics.deleteMany({ $or: documents.map(at) });
}

/** Removes the documents of all other zones; returns how many. */
export async function removeForeignDocuments(database: Database, timezone: string): Promise<number> {
  const { deletedCount } = await database.analytics.deleteMany({ timezone: { $ne: timezone } });
  return deletedCount;
}
