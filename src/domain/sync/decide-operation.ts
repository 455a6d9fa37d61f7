import { applyCount } from './apply-count.ts';
import { applySession } from './apply-session.ts';
import type { UploadContext } from './chunk.ts';
import type { Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';
import type { WorkingState } from './working-state.ts';

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
