import type { ClientSession } from 'mongodb';
import type { PeriodType } from '../../contract/schemas/variance-analytics.ts';
import type { Database } from '../database.ts';
import { markDirty } from '../dirty-periods.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { inTransaction } from '../transaction.ts';

/** The days, by period type, whose document of that type does not yet show a change. */
export async function loadDirtyDays(
  database: Database,
  timezone: string,
): Promise<Record<PeriodType, string[]>> {
  const rows = await database.dirtyPeriods
    .aggregate<{ _id: string } & Record<PeriodType, number>>(
      [
        { $match: { timezone } },
        {
          $group: {
            _id: '$day',
            daily: { $sum: open('daily') },
            weekly: { $sum: open('weekly') },
            monthly: { $sum: open('monthly') },
          },
        },
        { $sort: { _id: 1 } },
      ],
      { maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
  const daysOf = (type: PeriodType) => rows.filter((row) => row[type] > 0).map((row) => row._id);
  return { daily: daysOf('daily'), weekly: daysOf('weekly'), monthly: daysOf('monthly') };
}

const open = (type: PeriodType) => ({ $cond: [{ $eq: [`$${type}`, true] }, 0, 1] });

/**
 * Notes in the transaction that recomputed a period that its marks are used for this period type, and
 * deletes those that all three types have used. The transaction's snapshot shows exactly the marks whose
 * writes it read; one that is appended meanwhile stays.
 */
export async function settleMarks(
  database: Database,
  session: ClientSession,
  period: { type: PeriodType; first_day: string; last_day: string; timezone: string },
): Promise<void> {
  const { type, timezone } = period;
  const days = { timezone, day: { $gte: period.first_day, $lte: period.last_day } };
  const settled = await database.dirtyPeriods.updateMany(
    { ...days, [type]: { $ne: true } },
    { $set: { [type]: true } },
    { session },
  );
  if (settled.matchedCount === 0) return;
  await database.dirtyPeriods.deleteMany({ ...days, daily: true, weekly: true, monthly: true }, { session });
}

/**
 * Turns the marks that were made in other time zones into marks of this one: each day of theirs becomes
 * the days that `translate` names. In transactions, so that no mark is lost when it is killed.
 */
export async function translateForeignMarks(
  database: Database,
  timezone: string,
  translate: (day: string, foreignZone: string) => readonly string[],
): Promise<void> {
  const foreign = await database.dirtyPeriods
    .aggregate<{ _id: { day: string; timezone: string } }>(
      [
        { $match: { timezone: { $ne: timezone } } },
        { $group: { _id: { day: '$day', timezone: '$timezone' } } },
      ],
      { maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
  for (const { _id: mark } of foreign) {
    const days = translate(mark.day, mark.timezone);
    await inTransaction(database, async (session) => {
      const { deletedCount } = await database.dirtyPeriods.deleteMany(mark, { session });
      if (deletedCount > 0) await markDirty(database, session, days, timezone);
    });
  }
}

/** How many marks wait, over all zones. */
export const countMarks = (database: Database): Promise<number> =>
  database.dirtyPeriods.countDocuments({}, { maxTimeMS: MAX_TIME_MS });
