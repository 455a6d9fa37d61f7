import type { ClientSession, ObjectId } from 'mongodb';
import type { Database } from './database.ts';

/** "Something that falls on this local day changed." Appended, never updated, so writers do not meet. */
export interface DirtyMark {
  _id?: ObjectId;
  /** Local date `YYYY-MM-DD` in `timezone`. */
  day: string;
  timezone: string;
  /** Period types whose document shows the change by now (db/variance/dirty-marks.ts); gone after the third. */
  daily?: true;
  weekly?: true;
  monthly?: true;
}

/** Appends one mark per day in the caller's transaction. */
export async function markDirty(
  database: Database,
  session: ClientSession,
  days: Iterable<string>,
  timezone: string,
): Promise<void> {
  const marks = [...new Set(days)].map((day) => ({ day, timezone }));
  if (marks.length > 0) await database.dirtyPeriods.insertMany(marks, { session });
}
