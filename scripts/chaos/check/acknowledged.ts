// E1: what was acknowledged is stored. E3: without poison there is no dead letter.
import type { Violation } from '../letters.ts';
import type { Case } from './deliveries.ts';

export function checkAcknowledged({ journal, evidence }: Case): Violation[] {
  const conflicts = new Map(evidence.conflicts.map((conflict) => [conflict.conflict_id, conflict]));
  const batches = [...journal.batches.values()].flatMap(({ batch_id, acknowledgedAt }) => {
    if (acknowledgedAt === undefined) return [];
    const stored = evidence.batches.get(batch_id);
    if (!stored) return [`batch ${batch_id} was acknowledged and is gone`];
    return stored.state === 'applied'
      ? []
      : [`batch ${batch_id} was acknowledged and is still ${stored.state}`];
  });
  const decisions = journal.requests.flatMap(({ act, status, conflict_id }) =>
    act === 'resolve' && status === 200 && conflicts.get(conflict_id ?? '')?.status !== 'resolved'
      ? [`the decision of ${conflict_id} was acknowledged and is gone`]
      : [],
  );
  return [...batches, ...decisions].map((what) => ({ letter: 'E1', what }));
}

export const checkDeadLetters = ({ evidence }: Case): Violation[] =>
  evidence.deadLetters.map(({ _id, reason }) => ({
    letter: 'E3',
    what: `dead letter ${_id}: ${reason ?? ''}`,
  }));
