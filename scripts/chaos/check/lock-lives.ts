// L1, L2, L4, L6, L7: what the history of the locks says.
import type { Letter, Violation } from '../letters.ts';
import type { Case } from './deliveries.ts';
import type { HistoryRow } from './evidence.ts';

const MAX_LIFE_MS = 900_000;
/** After a worker or scheduler came back, or Redis forgot the ring (invariant L6). */
const MAX_LATE_MS = 60_000;

export interface LockLife {
  lock_id: string;
  item_code: string;
  fence: number;
  locked_by: string;
  reason: HistoryRow['reason'];
  session_id: string;
  from: number;
  /** When it stopped to count: its end, or its time when that passed first. */
  until: number;
  expires: number;
  ends: HistoryRow[];
  rows: HistoryRow[];
}

export function lockLives({ evidence }: Case): LockLife[] {
  return [...Map.groupBy(evidence.history, ({ lock_id }) => lock_id).values()].map((rows) => {
    const inOrder = rows.toSorted((a, b) => a.at.getTime() - b.at.getTime());
    const { lock_id, item_code, fence, locked_by, reason, session_id, locked_at } = inOrder[0]!;
    const ends = inOrder.filter(({ event }) => event !== 'created' && event !== 'renewed');
    const lasting = inOrder.filter(({ event }) => event === 'created' || event === 'renewed');
    // A renewal may bring the end nearer, so the last one counts.
    const expires = (lasting.at(-1) ?? inOrder[0]!).expires_at.getTime();
    const ended = ends[0]?.at.getTime() ?? Number.POSITIVE_INFINITY;
    return {
      lock_id,
      item_code,
      fence,
      locked_by,
      reason,
      session_id,
      from: locked_at.getTime(),
      until: Math.min(expires, ended),
      expires,
      ends,
      rows: inOrder,
    };
  });
}

export function checkLocks(given: Case): Violation[] {
  const lives = lockLives(given);
  const says = (letter: Letter, complaints: string[]): Violation[] =>
    complaints.map((what) => ({ letter, what }));
  return [
    ...says('L1', overlaps(lives)),
    ...says('L2', tooLong(given)),
    ...says('L4', fencesThatDidNotGrow(given, lives)),
    ...says('L6', wrongEnds(given, lives)),
    ...says('L7', missing(given, lives)),
  ];
}

const byItem = (lives: readonly LockLife[]): LockLife[][] =>
  [...Map.groupBy(lives, ({ item_code }) => item_code).values()].map((ofItem) =>
    ofItem.toSorted((a, b) => a.fence - b.fence),
  );

function overlaps(lives: readonly LockLife[]): string[] {
  return byItem(lives).flatMap((ofItem) =>
    ofItem.flatMap((life, index) => {
      const before = ofItem[index - 1];
      return before && life.from < before.until
        ? [
            `${life.item_code}: fence ${life.fence} lived ${before.until - life.from} ms beside fence ${before.fence}`,
          ]
        : [];
    }),
  );
}

const tooLong = ({ evidence }: Case): string[] =>
  evidence.history.flatMap(({ lock_id, locked_at, expires_at }) => {
    const lifeMs = expires_at.getTime() - locked_at.getTime();
    return lifeMs > MAX_LIFE_MS ? [`lock ${lock_id} was given ${lifeMs} ms`] : [];
  });

function fencesThatDidNotGrow({ evidence }: Case, lives: readonly LockLife[]): string[] {
  return byItem(lives).flatMap((ofItem) => {
    const last = ofItem.at(-1)!;
    const counter = evidence.fences.get(last.item_code) ?? 0;
    const wrong = ofItem.flatMap((life, index) => {
      const before = ofItem[index - 1];
      const isBehind = before && (life.fence <= before.fence || life.from < before.from);
      return isBehind ? [`${life.item_code}: fence ${life.fence} came after fence ${before.fence}`] : [];
    });
    return counter < last.fence
      ? [...wrong, `${last.item_code}: fence ${last.fence} is past its counter ${counter}`]
      : wrong;
  });
}

function wrongEnds({ evidence, disturbed }: Case, lives: readonly LockLife[]): string[] {
  const standing = new Set(evidence.locks.map(({ lock_id }) => lock_id));
  return lives.flatMap(({ lock_id, item_code, ends, expires }) => {
    const name = `lock ${lock_id} of ${item_code}`;
    if (ends.length > 1) return [`${name} ended as ${ends.map(({ event }) => event).join(' and ')}`];
    const endedAt = ends[0]?.at.getTime() ?? evidence.readAt.getTime();
    if (!ends[0] && expires > endedAt) return standing.has(lock_id) ? [] : [`${name} is gone without an end`];
    const lateMs = endedAt - Math.max(expires, wholeSince(disturbed, expires));
    if (lateMs <= MAX_LATE_MS) return [];
    return [
      `${name} ran out, and ${ends[0] ? `its end was recorded ${lateMs} ms late` : `has no end after ${lateMs} ms`}`,
    ];
  });
}

/** When everything was whole again, seen from `at`: later than `at` only within or just before a disturbance. */
function wholeSince(disturbed: Case['disturbed'], at: number): number {
  let whole = at;
  for (const [from, until] of disturbed.toSorted((a, b) => a[0] - b[0])) {
    if (from <= whole + MAX_LATE_MS && until > whole) whole = until;
  }
  return whole;
}

function missing({ journal }: Case, lives: readonly LockLife[]): string[] {
  const known = new Map(lives.map((life) => [life.lock_id, life]));
  return journal.requests.flatMap(({ lock, act, user }) => {
    if (!lock) return [];
    const life = known.get(lock.lock_id);
    if (!life) return [`${act} by ${user} was told lock ${lock.lock_id}, which has no history`];
    return life.fence === lock.fence && life.locked_by === lock.locked_by
      ? []
      : [
          `lock ${lock.lock_id} was told with fence ${lock.fence} of ${lock.locked_by}, and is stored otherwise`,
        ];
  });
}

/** How late the ends of expired locks were recorded, in ms, faults or not. */
export const expiryLateness = (given: Case): number[] =>
  lockLives(given).flatMap(({ ends, expires }) =>
    ends[0]?.event === 'expired' ? [ends[0].at.getTime() - expires] : [],
  );
