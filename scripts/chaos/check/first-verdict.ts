// S2: an operation keeps its first verdict, in every batch and whenever it is asked about. S6 beside it.
import type { SentBatch, ToldResult } from '../journal.ts';
import type { Violation } from '../letters.ts';
import type { Case, Delivered, OperationStory } from './deliveries.ts';

export function checkFirstVerdict({ stories }: Case): Violation[] {
  return [...stories.values()].flatMap((story) =>
    complaintsOf(story).map((what) => ({ letter: 'S2' as const, what: `${story.operation.key} ${what}` })),
  );
}

function complaintsOf({ operation, deliveries, lasting }: OperationStory): string[] {
  const [first, ...later] = lasting;
  const complaints = deliveries.flatMap((delivered) => changesOf(delivered));
  if (!first) return complaints;
  const { verdict, code } = first.result;
  if (operation.reused) {
    const others = lasting.filter(({ result }) => result.code !== 'operation_id_reused');
    return [
      ...complaints,
      ...others.map(({ result }) => `is other content under a used id and was told ${result.verdict}`),
    ];
  }
  if (operation.broken && verdict !== 'rejected')
    complaints.push(`breaks the contract and was told ${verdict}`);
  if (code === 'operation_id_reused' || code === 'operation_failed') complaints.push(`was told ${code}`);
  if (verdict === 'duplicate') complaints.push('was told duplicate first');
  const firstAt = deliveries.indexOf(first);
  if (deliveries.some(({ result }, index) => index > firstAt && result.verdict === 'retry'))
    complaints.push(`was told retry after ${verdict}`);
  for (const { result } of later) {
    if (!isReplayOf(first.result, result))
      complaints.push(`was told ${verdict} first and ${result.verdict} ${result.code ?? ''} later`);
  }
  return complaints;
}

function isReplayOf(first: ToldResult, later: ToldResult): boolean {
  switch (first.verdict) {
    case 'applied':
      return later.verdict === 'duplicate' && later.conflict_id === undefined;
    case 'rejected':
      return later.verdict === 'rejected' && later.code === first.code;
    case 'conflict':
      return (
        later.conflict_id === first.conflict_id &&
        (later.verdict === 'conflict' ? later.code === first.code : isResolved(later))
      );
    case 'duplicate':
    case 'retry':
      return false;
    default:
      return first.verdict satisfies never;
  }
}

const isResolved = ({ verdict, resolution }: ToldResult): boolean =>
  verdict === 'duplicate' && resolution !== undefined;

/** What a batch told over time: the stored verdict, or `duplicate` once its conflict was resolved. */
function changesOf({ batch, operation, result }: Delivered): string[] {
  const index = batch.operations.indexOf(operation);
  return batch.told.flatMap(({ results }) => {
    const told = results[index];
    if (!told || told.verdict === result.verdict) return [];
    const isLaterResolved =
      result.verdict === 'conflict' && isResolved(told) && told.conflict_id === result.conflict_id;
    return isLaterResolved
      ? []
      : [`was told ${told.verdict} by ${batch.batch_id}, which stored ${result.verdict}`];
  });
}

/** S6: `applied` comes with every verdict, stays, and is stored. */
export function checkStates({ journal, evidence }: Case): Violation[] {
  return [...journal.batches.values()].flatMap((batch) =>
    stateComplaints(batch, evidence.batches.get(batch.batch_id)?.state).map((what) => ({
      letter: 'S6' as const,
      what: `batch ${batch.batch_id} ${what}`,
    })),
  );
}

function stateComplaints({ told, operations }: SentBatch, stored: string | undefined): string[] {
  const complaints: string[] = [];
  const firstApplied = told.findIndex(({ state }) => state === 'applied');
  if (told.some(({ state, results }) => state === 'applied' && results.length !== operations.length))
    complaints.push('was shown as applied without all verdicts');
  if (firstApplied !== -1 && told.slice(firstApplied).some(({ state }) => state !== 'applied'))
    complaints.push('was shown as applied, and then not');
  if (firstApplied !== -1 && stored !== 'applied')
    complaints.push(`was shown as applied and is stored as ${stored}`);
  if (told.some(({ state, results }) => state === 'received' && results.length > 0))
    complaints.push('was shown as received with verdicts');
  return complaints;
}
