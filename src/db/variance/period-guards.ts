import type { ClientSession } from 'mongodb';
import type { PeriodType } from '../../contract/schemas/variance-analytics.ts';
import type { Database } from '../database.ts';
import { isDuplicateKey } from '../duplicate-key.ts';
import { MAX_TIME_MS } from '../time-limited.ts';

/**
 * What every recomputation of a period writes, also one that changes nothing: two that overlap meet here,
 * and the one that commits second starts again on a newer snapshot. So an older result never replaces a
 * newer one. Beside the documents, because an equal result must not touch those.
 */
export interface PeriodGuard {
  /** `<type> <first instant>`. */
  _id: string;
  turns: number;
  /** The last backfill that recomputed this period: where a resumed one goes on. */
  backfill_run?: string;
}

export interface PeriodKey {
  type: PeriodType;
  start: Date;
}

/** A guard's id: also how periods are told apart. */
export const periodId = (period: PeriodKey): string => `${period.type} ${period.start.toISOString()}`;

/** Makes the guards that are missing. Outside of transactions: two that insert the same one would fail. */
export async function ensureGuards(database: Database, periods: readonly PeriodKey[]): Promise<void> {
  const ids = [...new Set(periods.map(periodId))];
  const known = await database.periodGuards
    .find({ _id: { $in: ids } }, { projection: { _id: 1 }, maxTimeMS: MAX_TIME_MS })
    .toArray();
  const present = new Set(known.map((guard) => guard._id));
  const missing = ids.filter((id) => !present.has(id)).map((_id) => ({ _id, turns: 0 }));
  if (missing.length === 0) return;
  try {
    await database.periodGuards.insertMany(missing, { ordered: false });
  } catch (error) {
    // Another run made some of them in between; unordered, so the others are there, too.
    if (!isDuplicateKey(error)) throw error;
  }
}

/** The backfill that recomputed this period last. */
export async function readGuard(
  database: Database,
  session: ClientSession,
  period: PeriodKey,
): Promise<string | undefined> {
  const guard = await database.periodGuards.findOne({ _id: periodId(period) }, { session });
  return guard?.backfill_run;
}

/**
 * Takes the turn of a period and of the one after it, whose delta depends on this one's figures. The
 * guards must exist.
 */
export async function writeGuards(
  database: Database,
  session: ClientSession,
  turn: { period: PeriodKey; next: PeriodKey; backfillRun?: string | undefined },
): Promise<void> {
  await database.periodGuards.bulkWrite(
    [
      {
        updateOne: {
          filter: { _id: periodId(turn.period) },
          update: {
            $inc: { turns: 1 },
            ...(turn.backfillRun === undefined ? {} : { $set: { backfill_run: turn.backfillRun } }),
          },
        },
      },
      { updateOne: { filter: { _id: periodId(turn.next) }, update: { $inc: { turns: 1 } } } },
    ],
    { session },
  );
}

/** The ids of the periods that a backfill has recomputed. */
export async function periodsDoneBy(database: Database, backfillRun: string): Promise<Set<string>> {
  const guards = await database.periodGuards
    .find({ backfill_run: backfillRun }, { projection: { _id: 1 }, maxTimeMS: MAX_TIME_MS })
    .toArray();
  return new Set(guards.map((guard) => guard._id));
}
