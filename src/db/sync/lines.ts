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

/** What is read of a line: not the counter by which writers of one item meet. */
export const LINE_FIELDS = { _id: 0, item_changes: 0 } as const;

type LineKey = Pick<CountLine, 'session_id' | 'item_code' | 'location'>;

/**
 * Writes the lines of items that the caller changes at other locations, in its transaction. An item's day
 * follows from all its lines: two transactions that change it at different locations, each on a snapshot
 * without the other's change, would both mark days on which it does not fall in the end (invariant A2).
 * Here they meet, and the second runs again. Costs nothing for items with one location.
 */
export async function holdItemLines(
  database: Database,
  session: ClientSession,
  itemLines: readonly LineKey[],
  written: readonly LineKey[],
): Promise<void> {
  const key = (line: LineKey) => `${line.session_id}\n${line.item_code}\n${line.location}`;
  const own = new Set(written.map(key));
  const others = itemLines.filter((line) => !own.has(key(line)));
  if (others.length === 0) return;
  await database.lines.updateMany(
    {
      version: { $exists: true },
      $or: others.map(({ session_id, item_code, location }) => ({ session_id, item_code, location })),
    },
    { $inc: { item_changes: 1 } },
    { session },
  );
}
