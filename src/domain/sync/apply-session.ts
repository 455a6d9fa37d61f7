import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { ServerState } from '../../contract/wire-types.ts';
import { sessionEvent } from '../events/session-events.ts';
import { adjustTime } from './adjust-time.ts';
import type { UploadContext } from './chunk.ts';
import { decideSession } from './decide-session.ts';
import type { SessionComplete, SessionStart } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { visitSession } from './visit-session.ts';
import type { WorkingState } from './working-state.ts';

/** Decides a session operation and notes in the working state what it changes. */
export function applySession(
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
      visitSession(session.session_id, state, context);
      return applied(session);
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
      visitSession(session.session_id, state, context);
      return applied(session);
    }
    case 'unchanged':
      visitSession(before!.session_id, state, context);
      return applied(before!);
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

const applied = (session: CountSession): Outcome => ({ verdict: 'applied', server: sessionState(session) });

const sessionState = (session: CountSession): ServerState => ({
  session_id: session.session_id,
  status: session.status,
  sync_status: session.sync_status,
});
