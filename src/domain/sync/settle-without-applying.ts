import type { ChunkPlan, InboxOperation, LedgerEntry } from './chunk.ts';
import { ledgerEntry, replay } from './decide-chunk.ts';
import type { Outcome } from './outcome.ts';

const OPERATION_FAILED: Outcome = {
  verdict: 'rejected',
  code: 'operation_failed',
  message: 'The server failed on this operation; it was set aside for an administrator.',
};

const TEMPORARILY_UNAVAILABLE: Outcome = {
  verdict: 'retry',
  code: 'temporarily_unavailable',
  message: 'Others kept writing the same records; send it again later.',
};

/**
 * The plan for an operation that failed for good: it alone is set aside (invariant S3). One that has its
 * first verdict already keeps it.
 */
export function rejectFailed(item: InboxOperation, recorded: LedgerEntry | undefined): ChunkPlan {
  if (recorded) return answerOnly(item, firstVerdict(item, recorded));
  const plan = answerOnly(item, OPERATION_FAILED);
  return { ...plan, ledger: [{ id: item.id, ...ledgerEntry(item, OPERATION_FAILED) }] };
}

/** The plan for an operation that cannot apply now: `retry`, which is never recorded, or its first verdict. */
export const postponed = (item: InboxOperation, recorded: LedgerEntry | undefined): ChunkPlan =>
  answerOnly(item, recorded ? firstVerdict(item, recorded) : TEMPORARILY_UNAVAILABLE);

// A resolution since then is added where verdicts are shown.
const firstVerdict = (item: InboxOperation, recorded: LedgerEntry): Outcome =>
  replay(recorded, item, () => undefined);

const answerOnly = (item: InboxOperation, outcome: Outcome): ChunkPlan => ({
  results: [{ id: item.id, ...outcome }],
  ledger: [],
  lines: [],
  createdSessions: [],
  changedSessions: [],
  openedConflicts: [],
  changedConflicts: [],
  locks: [],
  newlyVisitedSessions: [],
  completions: [],
  events: [],
  touchedItems: [],
});
