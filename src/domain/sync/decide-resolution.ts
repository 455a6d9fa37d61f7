import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { Resolution } from '../../contract/wire-types.ts';
import { round4 } from '../decimal.ts';
import { isHeldByAnother } from '../locks/lock-rules.ts';
import { lineVariance } from './build-line.ts';

export interface MergedValue {
  counted_qty: number;
  variance_reason?: string | undefined;
  note?: string | undefined;
}

export interface ResolutionRequest {
  resolution: Resolution;
  merged_value?: MergedValue | undefined;
  /** The version that the person saw; 0 when there was no line. */
  server_version: number;
  fence?: number | undefined;
  user_id: string;
}

export interface ResolutionFacts {
  now: Date;
  conflict: SyncConflict;
  session: CountSession;
  /** The stored line, voided or not. */
  line: CountLine | undefined;
  lock: ItemLock | undefined;
  /** Other pending conflicts of that item and session. */
  otherPending: number;
  newId: () => string;
}

export type ResolutionDecision =
  | { kind: 'already_resolved' }
  | { kind: 'lock_lost' }
  | { kind: 'item_locked'; lock: ItemLock }
  | { kind: 'version_changed'; line: CountLine | undefined }
  | { kind: 'resolve'; line: CountLine | undefined; endLock: boolean; session: CountSession | undefined };

/**
 * Rules, "Conflicts", Resolve: whether this person may decide now, and what is written. `line` is the new
 * line, or undefined when the server's stays; `session` the changed session, or undefined.
 */
export function decideResolution(request: ResolutionRequest, facts: ResolutionFacts): ResolutionDecision {
  const { conflict, line, lock, otherPending } = facts;
  if (conflict.status === 'resolved') return { kind: 'already_resolved' };
  if (request.fence !== undefined) {
    if (lock?.fence !== request.fence || lock.locked_by !== request.user_id) return { kind: 'lock_lost' };
  } else if (lock && isHeldByAnother(lock, request.user_id)) {
    return { kind: 'item_locked', lock };
  }
  const current = line?.voided_at === undefined ? line : undefined;
  if ((current?.version ?? 0) !== request.server_version) return { kind: 'version_changed', line: current };
  return {
    kind: 'resolve',
    line: request.resolution === 'keep_server' ? undefined : resolvedLine(request, facts),
    endLock: otherPending === 0 && lock !== undefined && lock.session_id === conflict.session_id,
    session: otherPending === 0 ? withoutConflict(facts.session, conflict.item_code) : undefined,
  };
}

function resolvedLine(request: ResolutionRequest, facts: ResolutionFacts): CountLine {
  const { conflict, line: stored, now, newId } = facts;
  const { local_value: local, local_details } = conflict;
  const merged = request.resolution === 'merge' ? request.merged_value : undefined;
  const counted_qty = merged ? round4(merged.counted_qty) : local.counted_qty;
  return {
    id: stored?.id ?? newId(),
    session_id: conflict.session_id,
    item_code: conflict.item_code,
    location: conflict.location,
    counted_qty,
    ...local_details,
    ...lineVariance({ counted_qty, erp_qty: local_details.erp_qty, unit_value: local_details.unit_value }),
    variance_reason: (merged?.variance_reason ?? local.variance_reason) || null,
    note: (merged?.note ?? local.note) || null,
    counted_by: local.counted_by,
    counted_at: local.counted_at,
    version: (stored?.version ?? 0) + 1,
    updated_at: now,
    device_id: conflict.device_id,
    queue_epoch: conflict.queue_epoch,
  };
}

/** The session once the item's last pending conflict is gone (rules, "Sessions"). */
function withoutConflict(session: CountSession, itemCode: string): CountSession {
  const conflict_items = session.conflict_items.filter((code) => code !== itemCode);
  return { ...session, conflict_items, sync_status: conflict_items.length > 0 ? 'conflict' : 'synced' };
}
