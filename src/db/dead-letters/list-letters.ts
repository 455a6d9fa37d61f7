import type { Filter } from 'mongodb';
import type { Verdict } from '../../contract/wire-types.ts';
import type { Database } from '../database.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { decodeCursor, encodeCursor, type Page, type PageRequest, pageOf } from '../page.ts';

/** A letter, with what became of the operation that was sent again. */
export interface DeadLetterView extends DeadLetter {
  /** Absent while it waits for its verdict, and once the batch that carried it was deleted. */
  redrive_verdict?: Verdict;
}

/** Dead letters, the latest first. */
export async function listDeadLetters(
  database: Database,
  { limit, cursor }: PageRequest,
): Promise<Page<DeadLetterView>> {
  const [total, found] = await Promise.all([
    database.deadLetters.countDocuments(),
    database.deadLetters
      .find(afterLetter(cursor))
      .sort({ created_at: -1, _id: 1 })
      .limit(limit + 1)
      .toArray(),
  ]);
  const page = pageOf(found, limit, total, (letter) =>
    encodeCursor([letter.created_at.getTime(), letter._id]),
  );
  return { ...page, rows: await withVerdicts(database, page.rows) };
}

function afterLetter(cursor: string | undefined): Filter<DeadLetter> {
  if (cursor === undefined) return {};
  const after = decodeCursor(cursor, ['number', 'string']);
  const created_at = new Date(after[0] as number);
  return { $or: [{ created_at: { $lt: created_at } }, { created_at, _id: { $gt: after[1] as string } }] };
}

export async function findDeadLetter(database: Database, id: string): Promise<DeadLetterView | undefined> {
  const letter = await database.deadLetters.findOne({ _id: id });
  return letter ? (await withVerdicts(database, [letter]))[0] : undefined;
}

async function withVerdicts(database: Database, letters: readonly DeadLetter[]): Promise<DeadLetterView[]> {
  const ids = letters.flatMap((letter) => letter.redrive_batch_id ?? []);
  if (ids.length === 0) return [...letters];
  const batches = await database.batches
    .find({ _id: { $in: ids } }, { projection: { results: 1 } })
    .toArray();
  const verdicts = new Map(batches.map((batch) => [batch._id, batch.results[0]?.verdict]));
  return letters.map((letter) => {
    const redrive_verdict = verdicts.get(letter.redrive_batch_id ?? '');
    return redrive_verdict === undefined ? letter : { ...letter, redrive_verdict };
  });
}
