import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import { lineEvent } from '../events/item-events.ts';
import { adjustTime } from './adjust-time.ts';
import { bookOf, countedAt, lineVariance } from './build-line.ts';
import type { UploadContext } from './chunk.ts';
import { joinConflict, newConflict, openConflict } from './conflicts.ts';
import { decideCount } from './decide-count.ts';
import { itemFigures } from './item-figures.ts';
import type { CountUpdate } from './operation.ts';
import { type Outcome, serverLine } from './outcome.ts';
import { visitSession } from './visit-session.ts';
import type { WorkingState } from './working-state.ts';

/** Decides a count and notes in the working state what it changes. */
export function applyCount(operation: CountUpdate, state: WorkingState, context: UploadContext): Outcome {
  const session = state.session(operation.session_id);
  const stored = state.line(operation);
  const current = stored?.voided_at === undefined ? stored : undefined;
  const decision = decideCount(operation, {
    session,
    line: current,
    lock: state.lock(operation.item_code),
    ownConflictId: state.pendingConflict(operation, context)?.conflict_id,
    writer: { ...context, user_id: context.uploader.user_id },
  });
  if (session) visitSession(session.session_id, state, context);
  switch (decision.kind) {
    case 'write': {
      const line = newLine(operation, stored, state, context);
      state.writeLine(line);
      state.emit(lineEvent(itemFigures(line, state.itemLines(line)), context.uploader, state.now));
      return { verdict: 'applied', ...serverLine(line) };
    }
    case 'unchanged':
      return { verdict: 'applied', ...serverLine(current) };
    case 'open_conflict': {
      const conflict = newConflict(operation, decision.conflictType, current, state, context);
      openConflict(conflict, decision.takeLock, session!, state, context);
      return conflictOutcome(conflict, current);
    }
    case 'join_conflict': {
      const conflict = joinConflict(state.conflict(decision.conflictId)!, operation, current, state, context);
      state.changeConflict(conflict);
      return conflictOutcome(conflict, current);
    }
    case 'retry':
      return { verdict: 'retry', code: decision.code, message: decision.message };
    default:
      return decision satisfies never;
  }
}

function newLine(
  operation: CountUpdate,
  stored: CountLine | undefined,
  state: WorkingState,
  context: UploadContext,
): CountLine {
  const book = bookOf(operation, state.erpItem(operation.item_code));
  return {
    id: stored?.id ?? context.newId(),
    session_id: operation.session_id,
    item_code: operation.item_code,
    location: operation.location,
    counted_qty: operation.counted_qty,
    ...book,
    ...lineVariance({ counted_qty: operation.counted_qty, ...book }),
    variance_reason: operation.variance_reason,
    note: operation.note,
    counted_by: context.uploader.user_id,
    ...countedAt(adjustTime(operation.counted_at, context), operation.counted_at),
    version: (stored?.version ?? 0) + 1,
    updated_at: state.now,
    device_id: context.device_id,
    queue_epoch: context.queue_epoch,
  };
}

const conflictOutcome = (conflict: SyncConflict, current: CountLine | undefined): Outcome => ({
  verdict: 'conflict',
  code: conflict.conflict_type,
  message: 'Another count of this line is kept until a supervisor decides.',
  conflict_id: conflict.conflict_id,
  ...serverLine(current),
});
