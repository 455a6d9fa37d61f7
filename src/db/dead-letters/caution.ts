import type { Database } from '../database.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { readServerTime } from '../server-time.ts';

/**
 * How the job of a sweep goes on after it ended its process three times, and has a letter that waits (invariant
 * E3). A sweep matters to everybody, so it is neither dropped nor left to kill at its pace: one process at a
 * time tries, and marks what it is about to do. A try that lives is followed by the next ring; one that dies,
 * by a pause of 15 s, 1 min, 4 min, 16 min, then an hour. What stood marked is left out from then on.
 *
 * All of it stands on the letter and ends with it: once it is redriven or dropped, the job runs as ever.
 */
export type Caution =
  /** No letter waits. */
  | { state: 'clear' }
  /** Another try is under way, or the last one died. */
  | { state: 'resting' }
  | { state: 'careful'; leftOut: string[] };

const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 3_600_000;

const waiting = (id: string) => ({ _id: id, redriven_at: { $exists: false } });

/** Begins a try, when a letter waits and its pause is over by MongoDB's clock. */
export async function beginCarefully(database: Database, letterId: string): Promise<Caution> {
  const letter = await database.deadLetters.findOne(waiting(letterId));
  if (!letter) return { state: 'clear' };
  const now = await readServerTime(database);
  const { tries = 0, left_out: leftOut = [], next_try_at } = letter;
  if (next_try_at && next_try_at > now) return { state: 'resting' };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 4 ** tries, LONGEST_PAUSE_MS);
  const begun = await database.deadLetters.updateOne(
    // As it was read, so that one of several processes begins.
    { ...waiting(letterId), next_try_at: next_try_at ?? { $exists: false } },
    {
      $set: {
        tries: tries + 1,
        next_try_at: new Date(now.getTime() + pauseMs),
        ...(leftOut.length > 0 ? { reason: reasonOf(leftOut) } : {}),
      },
    },
  );
  return begun.matchedCount === 0 ? { state: 'resting' } : { state: 'careful', leftOut };
}

/** The try lived, whether it threw or not: the next ring is the next try. */
export async function endCarefully(database: Database, letterId: string): Promise<void> {
  await database.deadLetters.updateOne(waiting(letterId), { $unset: { tries: '', next_try_at: '' } });
}

/** Does one piece of the work under a mark: should it end the process, the next try leaves it out. */
export async function doMarked<T>(
  database: Database,
  mark: { letterId: string; name: string },
  work: () => Promise<T>,
): Promise<T> {
  const { letterId, name } = mark;
  await database.deadLetters.updateOne(waiting(letterId), { $addToSet: { left_out: name } });
  try {
    return await work();
  } finally {
    await database.deadLetters.updateOne(waiting(letterId), { $pull: { left_out: name } });
  }
}

export const ENDED_ITS_PROCESS = 'It ended its process three times.';

/** How many are named to people; all of them are left out. */
const NAMED = 10;

function reasonOf(leftOut: readonly string[]): DeadLetter['reason'] {
  const more = leftOut.length > NAMED ? ` and ${leftOut.length - NAMED} more` : '';
  return `${ENDED_ITS_PROCESS} Left out since: ${leftOut.slice(0, NAMED).join(', ')}${more}.`;
}
