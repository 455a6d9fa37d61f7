import type { ClientSession } from 'mongodb';
import type { Database } from './database.ts';

/** Work that was set aside after it failed for good; an administrator may send it again. */
export interface DeadLetter {
  _id: string;
  source: 'sync_operation' | 'job';
  queue: string;
  reason: string;
  attempts: number;
  created_at: Date;
  /** What is needed to find the work again: ids, never payloads. */
  reference: Record<string, string | number>;
  redriven_at?: Date;
}

/** Sets one piece of work aside; a second call with the same id changes nothing. */
export async function addDeadLetter(
  database: Database,
  letter: DeadLetter,
  session?: ClientSession,
): Promise<void> {
  const { _id, ...fields } = letter;
  await database.deadLetters.updateOne(
    { _id },
    { $setOnInsert: fields },
    { upsert: true, ...(session ? { session } : {}) },
  );
}
