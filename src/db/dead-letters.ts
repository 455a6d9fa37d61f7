import type { ClientSession } from 'mongodb';
import type { RealTimeEvent } from '../contract/wire-types.ts';
import { systemAlert } from '../domain/events/system-alert.ts';
import type { Database } from './database.ts';
import { appendEvents } from './outbox.ts';
import { readServerTime } from './server-time.ts';
import { inTransaction } from './transaction.ts';

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
  /** When it was last sent again, and by whom. */
  redriven_at?: Date;
  redriven_by?: string;
  /** The batch that carries a redriven operation. */
  redrive_batch_id?: string;
  /** Of a sweep's job (dead-letters/caution.ts): tries in a row that died, when the next may begin, what it leaves out. */
  tries?: number;
  next_try_at?: Date;
  left_out?: string[];
}

/**
 * Sets one piece of work aside; a second call with the same id changes nothing, unless the work was sent again
 * meanwhile: then it waits anew. Returns the alert for the caller to append, none when nothing changed.
 */
export async function addDeadLetter(
  database: Database,
  letter: DeadLetter,
  session: ClientSession,
): Promise<RealTimeEvent[]> {
  const { _id, ...fields } = letter;
  const again = await database.deadLetters.updateOne(
    { _id, redriven_at: { $exists: true } },
    { $set: fields, $unset: ANEW },
    { session },
  );
  if (again.matchedCount === 0) {
    const added = await database.deadLetters.updateOne(
      { _id },
      { $setOnInsert: fields },
      { upsert: true, session },
    );
    if (added.upsertedCount === 0) return [];
  }
  const alert = systemAlert(
    {
      severity: 'error',
      code: 'dead_letter',
      title: 'Work was set aside',
      message: `${letter.queue}: ${letter.reason}`,
    },
    _id,
    letter.created_at,
  );
  return [alert];
}

const ANEW = {
  redriven_at: '',
  redriven_by: '',
  redrive_batch_id: '',
  tries: '',
  next_try_at: '',
  left_out: '',
} as const;

export interface DeadJob {
  id: string;
  queue: string;
  attempts: number;
  payload: unknown;
  reason: string;
}

/** Sets a job aside that failed for good, with its ids, and tells operators. */
export const recordDeadJob = (database: Database, job: DeadJob): Promise<void> =>
  inTransaction(database, (session) => addDeadJob(database, job, session));

/** The same in the caller's transaction. */
export async function addDeadJob(database: Database, job: DeadJob, session: ClientSession): Promise<void> {
  const now = await readServerTime(database, session);
  const alerts = await addDeadLetter(
    database,
    {
      _id: `${job.queue}/${job.id}`,
      source: 'job',
      queue: job.queue,
      reason: job.reason,
      attempts: job.attempts,
      created_at: now,
      reference: idsOf(job.payload),
    },
    session,
  );
  await appendEvents(database, session, alerts, now);
}

// Payloads hold ids only; anything else in one is left out.
function idsOf(payload: unknown): DeadLetter['reference'] {
  const reference: DeadLetter['reference'] = {};
  for (const [name, value] of Object.entries((payload ?? {}) as Record<string, unknown>)) {
    if (typeof value === 'string' || typeof value === 'number') reference[name] = value;
  }
  return reference;
}
