import type { Collection, Document, Filter } from 'mongodb';
import { MAX_TIME_MS } from '../time-limited.ts';
import { wholeCursor } from '../whole-cursor.ts';

/** 100,000 documents are 50 commands of well under a second each; the ids of one batch are all that is held. */
const BATCH_SIZE = 2_000;

type Defaults = Readonly<Record<string, unknown>>;

/** Documents that lack at least one of the fields. Reads the whole collection. */
export const countMissing = (collection: Collection<Document>, defaults: Defaults): Promise<number> =>
  collection.countDocuments(lacksAny(defaults));

/**
 * Gives each field its default in the documents that lack it, in batches; what a field holds is never
 * touched, null included. Each document changes in one write that looks again, so a document that somebody
 * fills meanwhile is left as it is, two runs at once are harmless, and a killed run is finished by the next.
 * Calls `onBatch` with the documents changed so far, and returns how many were.
 */
export async function fillMissing(
  collection: Collection<Document>,
  defaults: Defaults,
  onBatch: (changed: number) => void = () => {},
): Promise<number> {
  // One pass over the ids rather than ranges of them: `_id` is an ObjectId in some rows of the deployed app
  // and a string in others, and a comparison with $gt never leaves the type it began with.
  const ids = collection.find(lacksAny(defaults), { projection: { _id: 1 }, batchSize: BATCH_SIZE });
  let changed = 0;
  let batch: unknown[] = [];
  const write = async (): Promise<void> => {
    const { modifiedCount } = await collection.updateMany(
      { _id: { $in: batch }, ...lacksAny(defaults) } as Filter<Document>,
      [{ $set: whereMissing(defaults) }],
      { maxTimeMS: MAX_TIME_MS },
    );
    changed += modifiedCount;
    batch = [];
    onBatch(changed);
  };
  for await (const { _id } of wholeCursor(ids)) {
    batch.push(_id);
    if (batch.length === BATCH_SIZE) await write();
  }
  if (batch.length > 0) await write();
  return changed;
}

const lacksAny = (defaults: Defaults): Filter<Document> => ({
  $or: Object.keys(defaults).map((field) => ({ [field]: { $exists: false } })),
});

const whereMissing = (defaults: Defaults): Document =>
  Object.fromEntries(
    Object.entries(defaults).map(([field, value]) => [
      field,
      { $cond: [{ $eq: [{ $type: `$${field}` }, 'missing'] }, { $literal: value }, `$${field}`] },
    ]),
  );
