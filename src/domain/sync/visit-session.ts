import { userActivityEvent } from '../events/session-events.ts';
import type { UploadContext } from './chunk.ts';
import type { WorkingState } from './working-state.ts';

/** Notes that this device uploads for the session; the first time supervisors are told (contract 6). */
export function visitSession(sessionId: string, state: WorkingState, context: UploadContext): void {
  if (!state.visit(sessionId)) return;
  const { device_id, uploader } = context;
  const activity = { user_id: uploader.user_id, device_id, session_id: sessionId };
  state.emit(userActivityEvent(activity, uploader, state.now));
}
