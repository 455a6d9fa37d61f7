import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { SessionComplete, SessionStart } from './operation.ts';

type SessionState = Pick<CountSession, 'status' | 'warehouse' | 'type'>;

export type SessionDecision =
  | { kind: 'create' }
  | { kind: 'close' }
  | { kind: 'unchanged' }
  | { kind: 'rejected'; code: 'session_mismatch'; message: string }
  | { kind: 'retry'; code: 'session_unknown'; message: string };

export const SESSION_UNKNOWN = {
  kind: 'retry',
  code: 'session_unknown',
  message: 'The session is not known yet.',
} as const;

/** Rules, "Sessions": what a session operation does to the session that is there, if any. */
export function decideSession(
  operation: SessionStart | SessionComplete,
  session: SessionState | undefined,
): SessionDecision {
  switch (operation.operation) {
    case 'session_start':
      if (!session) return { kind: 'create' };
      if (session.status === 'CLOSED') return mismatch('The session is closed.');
      return session.warehouse === operation.warehouse && session.type === operation.type
        ? { kind: 'unchanged' }
        : mismatch('The session was started for another warehouse or with another type.');
    case 'session_complete':
      if (!session) return SESSION_UNKNOWN;
      return session.status === 'OPEN' ? { kind: 'close' } : { kind: 'unchanged' };
    default:
      return operation satisfies never;
  }
}

const mismatch = (message: string): SessionDecision => ({
  kind: 'rejected',
  code: 'session_mismatch',
  message,
});
