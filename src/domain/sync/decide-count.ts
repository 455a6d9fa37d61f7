import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { ConflictType } from '../../contract/wire-types.ts';
import { compare, decimal } from '../decimal.ts';
import { isManualHolder } from '../locks/lock-rules.ts';
import { SESSION_UNKNOWN } from './decide-session.ts';
import type { CountUpdate } from './operation.ts';

export interface CountFacts {
  session: Pick<CountSession, 'status' | 'session_id'> | undefined;
  /** The line at the same session, item and location; a voided one counts as none. */
  line: Pick<CountLine, 'version' | 'counted_qty' | 'device_id' | 'queue_epoch'> | undefined;
  /** The item's active lock, whatever session it belongs to. */
  lock: Pick<ItemLock, 'session_id' | 'reason' | 'locked_by'> | undefined;
  /** This device's own pending conflict on that line. */
  ownConflictId: string | undefined;
  writer: { device_id: string; queue_epoch: string; user_id: string; sentAgain: boolean };
}

export type CountDecision =
  | { kind: 'write' }
  | { kind: 'unchanged' }
  | { kind: 'open_conflict'; conflictType: ConflictType; takeLock: boolean }
  | { kind: 'join_conflict'; conflictId: string }
  | typeof SESSION_UNKNOWN;

/**
 * Rules, "Sessions" and "Counts, in an open session". A device's own pending conflict comes first: its
 * later counts of that line join it, so that nobody's value is overwritten while a person decides. A count
 * that is sent again is no later one of its device: only its `base_version` says whether the line moved.
 */
export function decideCount(operation: CountUpdate, facts: CountFacts): CountDecision {
  const { session, line, lock, ownConflictId, writer } = facts;
  if (!session) return SESSION_UNKNOWN;
  if (ownConflictId !== undefined) return { kind: 'join_conflict', conflictId: ownConflictId };
  const equal = line !== undefined && sameQuantity(line.counted_qty, operation.counted_qty);
  if (session.status === 'CLOSED') {
    return equal ? { kind: 'unchanged' } : conflict('session_closed', false);
  }
  if (lock?.session_id === session.session_id && !equal && !isManualHolder(lock, writer.user_id)) {
    return conflict('lock_conflict', false);
  }
  if (!line) return { kind: 'write' };
  const own = line.device_id === writer.device_id && line.queue_epoch === writer.queue_epoch;
  if (own && !writer.sentAgain) return { kind: 'write' };
  if (line.version === operation.base_version) return { kind: 'write' };
  return equal ? { kind: 'unchanged' } : conflict('update_conflict', true);
}

const sameQuantity = (a: number, b: number): boolean => compare(decimal(a), decimal(b)) === 0;

const conflict = (conflictType: ConflictType, takeLock: boolean): CountDecision => ({
  kind: 'open_conflict',
  conflictType,
  takeLock,
});
