import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { ConflictType } from '../../contract/wire-types.ts';
import { conflictEvent } from '../events/item-events.ts';
import { adjustTime } from './adjust-time.ts';
import { bookOf, countedAt } from './build-line.ts';
import type { UploadContext } from './chunk.ts';
import { conflictValueOf } from './conflict-value.ts';
import type { CountUpdate } from './operation.ts';
import { extendTrail } from './trail.ts';
import type { WorkingState } from './working-state.ts';

/** A pending conflict between this count and the line that is there. */
export function newConflict(
  operation: CountUpdate,
  conflictType: ConflictType,
  current: CountLine | undefined,
  state: WorkingState,
  context: UploadContext,
): SyncConflict {
  const local = localSide(operation, state, context);
  return {
    conflict_id: context.newId(),
    conflict_type: conflictType,
    session_id: operation.session_id,
    item_code: operation.item_code,
    location: operation.location,
    device_id: context.device_id,
    queue_epoch: context.queue_epoch,
    ...local,
    status: 'pending',
    created_at: state.now,
    trail: [
      {
        at: state.now,
        by: context.uploader.user_id,
        step: 'opened',
        local_value: local.local_value,
        server_value: conflictValueOf(current),
      },
    ],
  };
}

/** Notes a new conflict: its lock, its event and the session's state (rules, "Conflicts"). */
export function openConflict(
  conflict: SyncConflict,
  takeLock: boolean,
  session: CountSession,
  state: WorkingState,
  context: UploadContext,
): void {
  state.openConflict(conflict);
  const { item_code, session_id, location, conflict_id, conflict_type } = conflict;
  if (takeLock && state.lock(item_code) === undefined) {
    state.takeLock({ item_code, session_id, conflict_id }, context.uploader.user_id);
  }
  state.emit(
    conflictEvent(
      { item_code, session_id, location, conflict_id, conflict_type, state: 'pending' },
      context.uploader,
      state.now,
    ),
  );
  if (session.conflict_items.includes(item_code)) return;
  const changed: CountSession = {
    ...session,
    sync_status: 'conflict',
    conflict_items: [...session.conflict_items, item_code],
  };
  state.changeSession(changed);
}

/**
 * The device's own pending conflict with its later count; the trail keeps both. A count that is sent again may
 * be the older one: it stands in the trail only, for whoever decides.
 */
export function joinConflict(
  conflict: SyncConflict,
  operation: CountUpdate,
  current: CountLine | undefined,
  state: WorkingState,
  context: UploadContext,
): SyncConflict {
  const local = localSide(operation, state, context);
  return {
    ...conflict,
    ...(context.sentAgain ? {} : local),
    trail: extendTrail(conflict.trail, {
      at: state.now,
      by: context.uploader.user_id,
      step: 'joined',
      local_value: local.local_value,
      server_value: conflictValueOf(current),
    }),
  };
}

function localSide(
  operation: CountUpdate,
  state: WorkingState,
  context: UploadContext,
): Pick<SyncConflict, 'local_value' | 'local_details' | 'base_version'> {
  const { erp_qty, ...book } = bookOf(operation, state.erpItem(operation.item_code));
  const { counted_at, ...adjustment } = countedAt(
    adjustTime(operation.counted_at, context),
    operation.counted_at,
  );
  return {
    base_version: operation.base_version,
    local_value: {
      counted_qty: operation.counted_qty,
      variance_reason: operation.variance_reason,
      note: operation.note,
      erp_qty,
      counted_by: context.uploader.user_id,
      counted_at,
      version: operation.base_version,
    },
    local_details: { erp_qty, ...book, ...adjustment },
  };
}
