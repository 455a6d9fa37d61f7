import type { ClientSession } from 'mongodb';
import type { Database } from '../database.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { readServerTime } from '../server-time.ts';
import { inTransaction } from '../transaction.ts';
import { type Operator, recordAction } from './actions.ts';
import type { RedriveOutcome } from './redrive-outcome.ts';

/** The work behind a job, whose state must say again that it is to be done. */
export type RedrivenWork =
  | { kind: 'fire'; schedule: string; scheduled_for: Date }
  | { kind: 'backfill'; run_id: string }
  /** The job of a sweep: it runs as ever once its letter no longer waits (caution.ts). */
  | { kind: 'ring' };

/**
 * Makes a job that was set aside one to be done again, once: a fire of a schedule is claimed anew, a backfill
 * goes on where it was, with its starts and deaths forgotten (invariant E3). A letter that was redriven is left
 * alone. The caller rings; when that ring is lost, the sweeps of fires and backfills ring.
 */
export const redriveJob = (
  database: Database,
  letter: DeadLetter,
  { work, operator }: { work: RedrivenWork; operator: Operator },
): Promise<RedriveOutcome> =>
  inTransaction(database, async (session) => {
    const current = await database.deadLetters.findOne({ _id: letter._id }, { session });
    if (!current) return { state: 'unknown' };
    if (current.redriven_at) return { state: 'unchanged', letter: current };
    const at = await readServerTime(database, session);
    const gone = await reopen(database, work, { at, session });
    if (gone) return gone;
    const redriven = { redriven_at: at, redriven_by: operator.by };
    await database.deadLetters.updateOne({ _id: current._id }, { $set: redriven }, { session });
    await recordAction(
      database,
      { letter_id: current._id, action: 'redriven', ...operator, at, letter: current },
      session,
    );
    return { state: 'redriven', letter: { ...current, ...redriven } };
  });

async function reopen(
  database: Database,
  work: RedrivenWork,
  { at, session }: { at: Date; session: ClientSession },
): Promise<RedriveOutcome | undefined> {
  switch (work.kind) {
    case 'fire': {
      // A run that is done since, or under way, needs nothing; the ring then finds nothing to do.
      const { schedule, scheduled_for } = work;
      await database.scheduleRuns.updateOne(
        { schedule, scheduled_for, state: 'failed' },
        { $set: { state: 'claimed', rung_at: at, deaths: 0 }, $unset: { finished_at: '', outcome: '' } },
        { session },
      );
      return undefined;
    }
    case 'backfill': {
      await database.backfillRuns.updateOne(
        { _id: work.run_id, state: 'failed' },
        { $set: { state: 'running', starts: 0, updated_at: at }, $unset: { finished_at: '', error: '' } },
        { session },
      );
      const run = await database.backfillRuns.findOne({ _id: work.run_id }, { session });
      return run ? undefined : GONE;
    }
    case 'ring':
      return undefined;
    default:
      return work satisfies never;
  }
}

const GONE: RedriveOutcome = {
  state: 'gone',
  what: 'This backfill is not on record any more.',
  remedy: 'Start it anew with `npm run backfill`, then drop this letter.',
};
