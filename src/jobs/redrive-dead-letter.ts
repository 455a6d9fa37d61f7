import type { Database } from '../db/database.ts';
import type { Operator } from '../db/dead-letters/actions.ts';
import { findDeadLetter } from '../db/dead-letters/list-letters.ts';
import { type RedrivenWork, redriveJob } from '../db/dead-letters/redrive-job.ts';
import { redriveOperation } from '../db/dead-letters/redrive-operation.ts';
import type { RedriveOutcome } from '../db/dead-letters/redrive-outcome.ts';
import type { DeadLetter } from '../db/dead-letters.ts';
import { type JobPayload, jobPayload } from '../queues/definitions.ts';

export interface RedriveDependencies {
  database: Database;
  /** Puts the job into its queue. May fail: the sweeps ring again within a minute or two. */
  ring: (payload: JobPayload) => Promise<void>;
}

/**
 * Sends a dead letter's work again (invariant E3), by the same path as the first time, and so with the same
 * guards: what fails again is set aside again. Two calls at once send it once.
 */
export async function redriveDeadLetter(
  { database, ring }: RedriveDependencies,
  id: string,
  operator: Operator,
): Promise<RedriveOutcome> {
  const letter = await findDeadLetter(database, id);
  if (!letter) return { state: 'unknown' };
  const payload = payloadOf(letter);
  if (!payload) return { state: 'unreadable' };
  const outcome =
    letter.source === 'sync_operation'
      ? await redriveOperation(database, letter, operator)
      : await redriveJob(database, letter, { work: workOf(payload), operator });
  // Also when nothing changed: the earlier ring may have been lost.
  if (outcome.state === 'redriven' || outcome.state === 'unchanged') await ring(payload).catch(() => {});
  return outcome;
}

/** The job that does the work; undefined when it is of another build. */
function payloadOf({ source, reference }: DeadLetter): JobPayload | undefined {
  if (source === 'sync_operation') {
    return { v: 1, type: 'process-sync-batch', device_id: String(reference['device_id']) };
  }
  // A reference keeps no flags; what is done now for a time that has passed is made up for.
  const parsed = jobPayload.safeParse({ ...reference, backfilled: true });
  return parsed.success ? parsed.data : undefined;
}

function workOf(payload: JobPayload): RedrivenWork {
  switch (payload.type) {
    case 'roll-up-variance':
      return { kind: 'fire', schedule: payload.type, scheduled_for: new Date(payload.scheduled_for) };
    case 'backfill-variance':
      return { kind: 'backfill', run_id: payload.run_id };
    case 'process-sync-batch':
    case 'end-due-locks':
    case 'requeue-stranded-batches':
      return { kind: 'ring' };
    default:
      return payload satisfies never;
  }
}
