import type { OperationResult, Resolution } from '../../contract/wire-types.ts';
import { sessionEvent } from '../events/session-events.ts';
import { Blockers } from './blockers.ts';
import type { ChunkPlan, ChunkSnapshot, InboxOperation, LedgerEntry, UploadContext } from './chunk.ts';
import { decideOperation } from './decide-operation.ts';
import { operationKey } from './identity.ts';
import type { Outcome } from './outcome.ts';
import { WorkingState } from './working-state.ts';

/**
 * Decides a run of operations of one batch, in order, on one snapshot; pure. `earlier` are the operations
 * of the batch before this run with their verdicts: a `retry` among them holds later ones back.
 */
export function decideChunk(
  items: readonly InboxOperation[],
  snapshot: ChunkSnapshot,
  context: UploadContext,
  earlier: { items: readonly InboxOperation[]; results: readonly OperationResult[] },
): ChunkPlan {
  const state = new WorkingState(snapshot);
  const blockers = new Blockers();
  for (const [index, item] of earlier.items.entries()) blockers.note(item, earlier.results[index]);
  const results = items.map((item) => {
    const result = { id: item.id, ...decideItem(item, state, context, blockers) };
    blockers.note(item, result);
    return result;
  });
  // Once per session, with its last state: hundreds of conflicts in a batch are one change of its state.
  for (const session of state.disputedSessions()) {
    state.emit(sessionEvent(session, 'update', context.uploader, state.now));
  }
  return { results, ...state.changes() };
}

function decideItem(
  item: InboxOperation,
  state: WorkingState,
  context: UploadContext,
  blockers: Blockers,
): Outcome {
  const key = operationKey(context.device_id, context.queue_epoch, item.id).toString('base64');
  const recorded = state.recordedVerdict(key);
  if (recorded) return replay(recorded, item, (conflictId) => state.resolutionOf(conflictId));
  const decided = decideNew(item, state, context, blockers);
  if (decided.verdict !== 'retry') state.record(key, item.id, ledgerEntry(item, decided));
  return decided;
}

function decideNew(
  item: InboxOperation,
  state: WorkingState,
  context: UploadContext,
  blockers: Blockers,
): Outcome {
  if ('rejection' in item) return { verdict: 'rejected', ...item.rejection };
  return blockers.holding(item.operation) ?? decideOperation(item.operation, state, context);
}

/** The first verdict itself (rules, "Identity"); other content changes nothing. */
export function replay(
  recorded: LedgerEntry,
  item: InboxOperation,
  resolutionOf: (conflictId: string) => Resolution | undefined,
): Outcome {
  if (!recorded.content.equals(item.content)) return OPERATION_ID_REUSED;
  switch (recorded.verdict) {
    case 'applied':
      return { verdict: 'duplicate' };
    case 'rejected':
      return {
        verdict: 'rejected',
        ...(recorded.code ? { code: recorded.code } : {}),
        ...(recorded.message ? { message: recorded.message } : {}),
      };
    case 'conflict': {
      const conflict_id = recorded.conflict_id!;
      const resolution = resolutionOf(conflict_id);
      return resolution
        ? { verdict: 'duplicate', conflict_id, resolution }
        : { verdict: 'conflict', ...(recorded.code ? { code: recorded.code } : {}), conflict_id };
    }
    default:
      return recorded.verdict satisfies never;
  }
}

const OPERATION_ID_REUSED: Outcome = {
  verdict: 'rejected',
  code: 'operation_id_reused',
  message: 'This id was used for another operation of this device and epoch.',
};

/** What the ledger keeps of a verdict. */
export function ledgerEntry(item: InboxOperation, outcome: Outcome): LedgerEntry {
  const { verdict, code, conflict_id, message } = outcome;
  if (verdict === 'duplicate' || verdict === 'retry') throw new Error(`${verdict} is never recorded`);
  return {
    content: item.content,
    verdict,
    ...(code ? { code } : {}),
    ...(verdict === 'rejected' && message ? { message } : {}),
    ...(conflict_id ? { conflict_id } : {}),
  };
}
