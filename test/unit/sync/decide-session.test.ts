import { describe, expect, test } from 'vitest';
import type { CountSession } from '../../../src/contract/schemas/count-session.ts';
import { decideSession } from '../../../src/domain/sync/decide-session.ts';
import type { SessionComplete, SessionStart } from '../../../src/domain/sync/operation.ts';
import { COUNTED, session } from './fixtures.ts';

const start = (over: Partial<SessionStart> = {}): SessionStart => ({
  operation: 'session_start',
  session_id: 'S-1',
  warehouse: 'North',
  type: 'STANDARD',
  started_at: COUNTED,
  notes: null,
  ...over,
});
const complete: SessionComplete = {
  operation: 'session_complete',
  session_id: 'S-1',
  completed_at: COUNTED,
  notes: null,
};
const closed: Partial<CountSession> = { status: 'CLOSED', closed_at: COUNTED };

describe('the table of session operations', () => {
  test.each([
    ['a start of an unknown session', start(), undefined, 'create'],
    ['a start of an open session, all equal', start(), session(), 'unchanged'],
    [
      'a start with other notes and time',
      start({ notes: 'x', started_at: new Date(0) }),
      session(),
      'unchanged',
    ],
    ['a start for another warehouse', start({ warehouse: 'South' }), session(), 'rejected session_mismatch'],
    ['a start with another type', start({ type: 'BLIND' }), session(), 'rejected session_mismatch'],
    ['a start of a closed session, all equal', start(), session(closed), 'rejected session_mismatch'],
    ['a completion of an unknown session', complete, undefined, 'retry session_unknown'],
    ['a completion of an open session', complete, session(), 'close'],
    ['a completion of a closed session', complete, session(closed), 'unchanged'],
  ])('%s', (_name, operation, known, expected) => {
    const decision = decideSession(operation, known);
    expect('code' in decision ? `${decision.kind} ${decision.code}` : decision.kind).toBe(expected);
  });
});
