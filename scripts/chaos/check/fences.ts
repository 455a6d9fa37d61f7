// L5: nothing is done under a fence that is not the current one, nor by anybody who does not hold the item.
import type { Request } from '../journal.ts';
import type { Violation } from '../letters.ts';
import type { Case } from './deliveries.ts';
import { writersByLine } from './line-writers.ts';
import { type LockLife, lockLives } from './lock-lives.ts';

/** Requests that name a fence and were obeyed; a claim replaces a lock, a force needs none. */
const FENCED: ReadonlySet<Request['act']> = new Set(['resolve', 'renew', 'release']);

export function checkFences(given: Case): Violation[] {
  const lives = lockLives(given);
  return [
    ...lateAnswers(given),
    ...obeyed(given, lives),
    ...othersEnds(lives),
    ...countsUnderLock(given, lives),
  ].map((what) => ({ letter: 'L5', what }));
}

/** A request after a takeover that its sender had seen. */
const lateAnswers = ({ journal }: Case): string[] =>
  journal.requests.flatMap(({ isLate, status, act, user, item_code, fence }) =>
    isLate && status >= 200 && status < 300
      ? [`${act} of ${item_code} by ${user} under the old fence ${fence} was done`]
      : [],
  );

/** The lock of the fence that was sent was the sender's, and counted at a moment between question and answer. */
function obeyed({ journal }: Case, lives: readonly LockLife[]): string[] {
  const byFence = new Map(lives.map((life) => [`${life.item_code} ${life.fence}`, life]));
  return journal.requests.flatMap(({ act, fence, status, user, item_code, sentAt, answeredAt }) => {
    if (fence === undefined || !FENCED.has(act) || status < 200 || status > 299) return [];
    const life = byFence.get(`${item_code} ${fence}`);
    const name = `${act} of ${item_code} by ${user} under fence ${fence}`;
    if (!life) return [`${name} was done, and no lock had it`];
    if (life.locked_by !== user) return [`${name} was done, and the lock was ${life.locked_by}'s`];
    return life.until < sentAt || life.from > answeredAt ? [`${name} was done when the lock was over`] : [];
  });
}

/** Who ended or renewed a lock: its holder, for locks that somebody holds. */
function othersEnds(lives: readonly LockLife[]): string[] {
  return lives.flatMap(({ rows, reason, locked_by, item_code, fence }) =>
    rows.flatMap(({ event, by }) => {
      const needsHolder = event === 'renewed' || event === 'released' || event === 'resolved';
      return needsHolder && reason !== 'offline_sync' && by !== locked_by
        ? [`${item_code}: fence ${fence} of ${locked_by} was ${event} by ${by}`]
        : [];
    }),
  );
}

/**
 * A snapshot may be a moment older than what it is compared with; a write so long after a take and before
 * its end was decided on a state without that lock.
 */
const SETTLED_MS = 12_000;

/** No count of another value is written while the item is locked in its session. */
function countsUnderLock(given: Case, lives: readonly LockLife[]): string[] {
  const byItem = Map.groupBy(lives, ({ session_id, item_code }) => `${session_id} ${item_code}`);
  const complaints: string[] = [];
  for (const writers of writersByLine(given).values()) {
    for (const writer of writers) {
      const count = writer.story?.operation.count;
      if (!count || !writer.story) continue;
      const before = writers.find(({ version }) => version === writer.version - 1);
      const at = writer.at.getTime();
      const lock = byItem
        .get(`${writer.story.operation.session_id} ${count.item_code}`)
        ?.find(({ from, until }) => at > from + SETTLED_MS && at < until);
      const mayWrite =
        before?.counted_qty === count.counted_qty || lock?.locked_by === writer.story.operation.user;
      if (lock && !mayWrite)
        complaints.push(`${writer.what} was written under fence ${lock.fence} of ${lock.locked_by}`);
    }
  }
  return complaints;
}
