import type { Database } from './database.ts';
import { onceMoreOnDuplicate } from './duplicate-key.ts';

/** What is known of a schedule, and what an administrator set. */
export interface ScheduleState {
  _id: string;
  paused: boolean;
  /** Fires at or before this time are settled: claimed, or not to be caught up. */
  settled_until: Date;
}

/** The state of a schedule. One that was never seen begins at `now`: nothing before it is caught up. */
export async function readScheduleState(database: Database, name: string, now: Date): Promise<ScheduleState> {
  const state = await onceMoreOnDuplicate(() =>
    database.scheduleStates.findOneAndUpdate(
      { _id: name },
      { $setOnInsert: { paused: false, settled_until: now } },
      { upsert: true, returnDocument: 'after' },
    ),
  );
  return state!;
}

/** Fires up to `until` are claimed. Never moves back. */
export async function settleUntil(database: Database, name: string, until: Date): Promise<void> {
  await database.scheduleStates.updateOne({ _id: name, paused: false }, { $max: { settled_until: until } });
}

/**
 * Pauses or resumes a schedule. What was due while it was paused is not caught up: a pause is a decision,
 * not an outage. False when no such schedule was ever seen.
 */
export async function setPaused(database: Database, name: string, paused: boolean): Promise<boolean> {
  const { matchedCount } = await database.scheduleStates.updateOne({ _id: name }, [
    { $set: paused ? { paused } : { paused, settled_until: { $max: ['$settled_until', '$$NOW'] } } },
  ]);
  return matchedCount === 1;
}

export const listScheduleStates = (database: Database): Promise<ScheduleState[]> =>
  database.scheduleStates.find().sort({ _id: 1 }).toArray();
