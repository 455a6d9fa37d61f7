// Each operation with everything that was stored and told about it, in the order in which it was received.
import type { Journal, SentBatch, SentOperation, ToldResult } from '../journal.ts';
import type { Evidence, StoredBatch } from './evidence.ts';

export interface Delivered {
  operation: SentOperation;
  batch: SentBatch;
  stored: StoredBatch;
  result: ToldResult;
}

export interface OperationStory {
  operation: SentOperation;
  isAcknowledged: boolean;
  /** Verdicts over all its deliveries, in the device's order of receipt. */
  deliveries: Delivered[];
  /** Those that are not `retry`; the first of them is the operation's verdict for ever. */
  lasting: Delivered[];
}

/** By the operation's key. */
export function storiesOf(journal: Journal, { batches }: Evidence): Map<string, OperationStory> {
  const stories = new Map<string, OperationStory>();
  const inOrder = [...journal.batches.values()].sort(
    (a, b) => (batches.get(a.batch_id)?.seq ?? 0) - (batches.get(b.batch_id)?.seq ?? 0),
  );
  for (const batch of inOrder) {
    const stored = batches.get(batch.batch_id);
    for (const [index, operation] of batch.operations.entries()) {
      const story = stories.get(operation.key) ?? {
        operation,
        isAcknowledged: false,
        deliveries: [],
        lasting: [],
      };
      stories.set(operation.key, story);
      if (batch.acknowledgedAt !== undefined) story.isAcknowledged = true;
      const result = stored?.results[index];
      if (!stored || !result) continue;
      const delivered = { operation, batch, stored, result };
      story.deliveries.push(delivered);
      if (result.verdict !== 'retry') story.lasting.push(delivered);
    }
  }
  return stories;
}

/** What the checker judges. */
export interface Case {
  journal: Journal;
  evidence: Evidence;
  stories: Map<string, OperationStory>;
  /** Spans in which something was broken, as `[from, until]` in ms. */
  disturbed: readonly (readonly [number, number])[];
}

export const lineKey = (line: { session_id: string; item_code: string; location: string }): string =>
  `${line.session_id} ${line.item_code} ${line.location || '-'}`;
