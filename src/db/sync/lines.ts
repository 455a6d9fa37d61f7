import type { AnyBulkWriteOperation, ClientSession } from 'mongodb';
import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { LineWrite } from '../../domain/sync/chunk.ts';
import type { Database } from '../database.ts';

/** A line was changed by somebody else since it was read; the transaction must be run again. */
export class LineMoved extends Error {
  override name = 'LineMoved';
}

const OPTIONAL_FIELDS = [
  'counted_at_device',
  'time_adjusted',
  'voided_at',
  'voided_by',
  'void_reason',
] as const;

/**
 * Writes lines in the caller's transaction, each filtered by the version that was read. Throws LineMoved
 * when one of them is not at that version any more.
 */
export async function writeLines(
  database: Database,
  session: ClientSession,
  writes: readonly LineWrite[],
): Promise<void> {
  if (writes.length === 0) return;
  const operations = writes.map(({ before, after }): AnyBulkWriteOperation<CountLine> => {
    if (!before) return { insertOne: { document: after } };
    const { session_id, item_code, location } = before;
    const unset = OPTIONAL_FIELDS.filter(
      (field) => after[field] === undefined && before[field] !== undefined,
    );
    return {
      updateOne: {
        filter: { session_id, item_code, location, version: before.version },
        update: {
          $set: after,
          ...(unset.length > 0 ? { $unset: Object.fromEntries(unset.map((field) => [field, ''])) } : {}),
        },
      },
    };
  });
  const done = await database.lines.bulkWrite(operations, { session, ordered: false });
  const written = done.insertedCount + done.matchedCount;
  if (written !== writes.length) throw new LineMoved(`${writes.length - written} lines moved on`);
}
