import type { ClientSession } from 'mongodb';
import type { RealTimeEvent } from '../contract/wire-types.ts';
import { systemAlert } from '../domain/events/system-alert.ts';
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

/**
 * Sets one piece of work aside; a second call with the same id changes nothing. Returns the alert for the
 * caller to append.
 */
export async function addDeadLetter(
  database: Database,
  letter: DeadLetter,
  session: ClientSession,
): Promise<RealTimeEvent> {
  const { _id, ...fields } = letter;
  await database.deadLetters.updateOne({ _id }, { $setOnInsert: fields }, { upsert: true, session });
  return systemAlert(
    {
      severity: 'error',
      code: 'dead_letter',
      title: 'Work was set aside',
      message: `${letter.queue}: ${letter.reason}`,
    },
    _id,
    letter.created_at,
  );
}
