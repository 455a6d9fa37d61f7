import type { OperationResult } from '../../contract/wire-types.ts';
import type { InboxOperation } from './chunk.ts';
import type { Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { lineKey } from './working-state.ts';

/**
 * What a `retry` verdict holds back in the rest of its batch (rules, "Order"): a count holds its line and
 * the completion of its session, a session operation holds everything in that session. A start is not held
 * by counts that wait for it.
 */
export class Blockers {
  readonly #lines = new Map<string, Outcome>();
  readonly #sessions = new Map<string, Outcome>();
  readonly #completions = new Map<string, Outcome>();

  note(item: InboxOperation, result: OperationResult | undefined): void {
    if (result?.verdict !== 'retry' || 'rejection' in item) return;
    const { operation } = item;
    const held: Outcome = {
      verdict: 'retry',
      ...(result.code ? { code: result.code } : {}),
      message: 'An earlier operation of this batch on the same line or session has to be applied first.',
    };
    if (operation.operation === 'count_update') {
      this.#lines.set(lineKey(operation), held);
      this.#completions.set(operation.session_id, held);
    } else {
      this.#sessions.set(operation.session_id, held);
    }
  }

  /** The verdict of an operation that is held back, or undefined when it may be decided. */
  holding(operation: Operation): Outcome | undefined {
    const bySession = this.#sessions.get(operation.session_id);
    if (bySession) return bySession;
    if (operation.operation === 'count_update') return this.#lines.get(lineKey(operation));
    if (operation.operation === 'session_complete') return this.#completions.get(operation.session_id);
    return undefined;
  }
}
