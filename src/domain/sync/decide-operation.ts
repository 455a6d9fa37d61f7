import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { ConflictType, OperationResult, ServerState } from '../../contract/wire-types.ts';
import { conflictEvent, lineEvent } from '../events/item-events.ts';
import { sessionEvent, userActivityEvent } from '../events/session-events.ts';
import { adjustTime } from './adjust-time.ts';
import { bookOf, countedAt, lineVariance } from './build-line.ts';
import type { UploadContext } from './chunk.ts';
import { conflictValueOf } from './conflict-value.ts';
import { decideCount } from './decide-count.ts';
import { decideSession } from './decide-session.ts';
import { itemFigures } from './item-figures.ts';
import type { CountUpdate, Operation, SessionComplete, SessionStart } from './operation.ts';
import type { WorkingState } from './working-state.ts';

/** A verdict without the operation's id. */
export type Outcome = Omit<OperationResult, 'id'>;

/** A conflict's trail keeps its first step and the latest ones up to this many. */
const MAX_TRAIL = 100;

/**
 * Decides one operation on the working state and notes there what it changes. The verdict tables are in
 * decide-session.ts and decide-count.ts.
 */
export function decideOperation(operation: Operation, state: WorkingState, context: UploadContext): Outcome {
  switch (operation.operation) {
    case 'session_start':
    case 'session_complete':
      return applySession(operation, state, context);
    case 'count_update':
      return applyCount(operation, state, context);
    default:
      return operation satisfies never;
  }
}

function applySession(
  operation: SessionStart | SessionComplete,
  state: WorkingState,
  context: UploadContext,
): Outcome {
  const before = state.session(operation.session_id);
  const decision = decideSession(operation, before);
  switch (decision.kind) {
    case 'create': {
      const session = newSession(operation as SessionStart, context);
      state.createSession(session);
      state.emit(sessionEvent(session, 'create', context.uploader, state.now));
      return visited({ verdict: 'applied', server: sessionState(session) }, session, state, context);
    }
    case 'close': {
      const completion = operation as SessionComplete;
      const closedAt = adjustTime(completion.completed_at, context).at;
      const session: CountSession = {
        ...before!,
        status: 'CLOSED',
        closed_at: closedAt,
        notes: completion.notes ?? before!.notes,
      };
      state.completeSession(session, closedAt);
      state.emit(sessionEvent(session, 'complete', context.uploader, state.now));
      return visited({ verdict: 'applied', server: sessionState(session) }, session, state, context);
    }
    case 'unchanged':
      return visited({ verdict: 'applied', server: sessionState(before!) }, before!, state, context);
    case 'rejected':
      return {
        verdict: 'rejected',
        code: decision.code,
        message: decision.message,
        server: sessionState(before!),
      };
    case 'retry':
      return { verdict: 'retry', code: decision.code, message: decision.message };
    default:
      return decision satisfies never;
  }
}

function applyCount(operation: CountUpdate, state: WorkingState, context: UploadContext): Outcome {
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
  switch (decision.kind) {
    case 'write': {
      const line = newLine(operation, stored, state, context);
      state.writeLine(line);
      state.emit(lineEvent(itemFigures(line, state.itemLines(line)), context.uploader, state.now));
      return visited({ verdict: 'applied', ...serverLine(line) }, session!, state, context);
    }
    case 'unchanged':
      return visited({ verdict: 'applied', ...serverLine(current) }, session!, state, context);
    case 'open_conflict': {
      const conflict = newConflict(operation, decision.conflictType, current, state, context);
      openConflict(conflict, decision.takeLock, session!, state, context);
      return visited(conflictOutcome(conflict, current), session!, state, context);
    }
    case 'join_conflict': {
      const conflict = joinConflict(state.conflict(decision.conflictId)!, operation, current, state, context);
      state.changeConflict(conflict);
      return visited(conflictOutcome(conflict, current), session!, state, context);
    }
    case 'retry':
      return { verdict: 'retry', code: decision.code, message: decision.message };
    default:
      return decision satisfies never;
  }
}

function newSession(operation: SessionStart, context: UploadContext): CountSession {
  return {
    id: operation.session_id,
    session_id: operation.session_id,
    warehouse: operation.warehouse,
    type: operation.type,
    status: 'OPEN',
    started_at: adjustTime(operation.started_at, context).at,
    closed_at: null,
    staff_user: context.uploader.user_id,
    notes: operation.notes,
    offline_created: true,
    sync_status: 'synced',
    conflict_items: [],
  };
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

function newConflict(
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

function openConflict(
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

function joinConflict(
  conflict: SyncConflict,
  operation: CountUpdate,
  current: CountLine | undefined,
  state: WorkingState,
  context: UploadContext,
): SyncConflict {
  const local = localSide(operation, state, context);
  const [opened, ...rest] = conflict.trail;
  return {
    ...conflict,
    ...local,
    trail: [
      opened!,
      ...rest.slice(-(MAX_TRAIL - 2)),
      {
        at: state.now,
        by: context.uploader.user_id,
        step: 'joined',
        local_value: local.local_value,
        server_value: conflictValueOf(current),
      },
    ],
  };
}

const conflictOutcome = (conflict: SyncConflict, current: CountLine | undefined): Outcome => ({
  verdict: 'conflict',
  code: conflict.conflict_type,
  message: 'Another count of this line is kept until a supervisor decides.',
  conflict_id: conflict.conflict_id,
  ...serverLine(current),
});

const sessionState = (session: CountSession): ServerState => ({
  session_id: session.session_id,
  status: session.status,
  sync_status: session.sync_status,
});

/** The `server` member of a count's verdict, absent where there is no line. */
export const serverLine = (line: CountLine | undefined): { server?: ServerState } =>
  line === undefined
    ? {}
    : {
        server: {
          version: line.version,
          counted_qty: line.counted_qty,
          counted_by: line.counted_by,
          counted_at: line.counted_at.toISOString(),
        },
      };

function visited(
  outcome: Outcome,
  session: CountSession,
  state: WorkingState,
  context: UploadContext,
): Outcome {
  if (state.visit(session.session_id)) {
    state.emit(
      userActivityEvent(
        {
          user_id: context.uploader.user_id,
          device_id: context.device_id,
          session_id: session.session_id,
        },
        context.uploader,
        state.now,
      ),
    );
  }
  return outcome;
}
