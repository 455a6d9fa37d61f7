import type { ClientSession, ObjectId } from 'mongodb';
import type { Database } from '../database.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { readServerTime } from '../server-time.ts';
import { inTransaction } from '../transaction.ts';

/** What a person did with a dead letter: kept also when the letter itself is dropped. */
export interface DeadLetterAction {
  _id?: ObjectId;
  letter_id: string;
  action: 'redriven' | 'dropped';
  by: string;
  /** `http`, or `command` with the account and the machine that it ran on. */
  via: string;
  at: Date;
  /** The letter as it was before. */
  letter: DeadLetter;
}

/** Who acts, and by which way in. */
export interface Operator {
  by: string;
  via: string;
}

/** Records what was done, in the transaction that does it. */
export async function recordAction(
  database: Database,
  action: Omit<DeadLetterAction, '_id'>,
  session: ClientSession,
): Promise<void> {
  await database.deadLetterActions.insertOne({ ...action }, { session });
}

/** Drops a letter for good: its work will not be done. False when there is none. */
export const dropDeadLetter = (database: Database, id: string, operator: Operator): Promise<boolean> =>
  inTransaction(database, async (session) => {
    const letter = await database.deadLetters.findOneAndDelete({ _id: id }, { session });
    if (!letter) return false;
    const at = await readServerTime(database, session);
    await recordAction(database, { letter_id: id, action: 'dropped', ...operator, at, letter }, session);
    return true;
  });

/** What people did with a letter, oldest first; also with one that was dropped. */
export const listActions = (database: Database, letterId: string): Promise<DeadLetterAction[]> =>
  database.deadLetterActions.find({ letter_id: letterId }).sort({ at: 1 }).limit(MAX_ACTIONS).toArray();

const MAX_ACTIONS = 100;
