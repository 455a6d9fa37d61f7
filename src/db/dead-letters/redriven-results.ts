import type { OperationResult } from '../../contract/wire-types.ts';
import type { Database } from '../database.ts';

/**
 * The results of a batch with those of its operations that were sent again since: `redriven` names the batch
 * that carries each, by the index of the operation. One without a verdict yet keeps what it has.
 */
export async function withRedriven(
  database: Database,
  results: readonly OperationResult[],
  redriven: Readonly<Record<string, string>>,
): Promise<OperationResult[]> {
  const batches = await database.batches
    .find({ _id: { $in: Object.values(redriven) } }, { projection: { results: 1 } })
    .toArray();
  const latest = new Map(batches.map((batch) => [batch._id, batch.results[0]]));
  return results.map((result, index) => latest.get(redriven[index] ?? '') ?? result);
}
