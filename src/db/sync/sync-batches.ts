import { Binary, type ClientSession } from 'mongodb';
import type { BatchState, OperationResult, Role } from '../../contract/wire-types.ts';
import type { InboxOperation } from '../../domain/sync/chunk.ts';
import type { Operation, Rejection } from '../../domain/sync/operation.ts';
import type { Database } from '../database.ts';
import { withRedriven } from '../dead-letters/redriven-results.ts';
import { isDuplicateKey } from '../duplicate-key.ts';
import { numberBatch } from './devices.ts';
import { newBatchRow } from './new-batch-row.ts';

type StoredItem =
  | { id: number; content: Binary; operation: Operation }
  | { id: number; content: Binary; rejection: Rejection };

/** The inbox: one row per delivery, durable before it is acknowledged. Bodies live 30 days once applied. */
export interface SyncBatch {
  /** The `batch_id`. */
  _id: string;
  device_id: string;
  queue_epoch: string;
  user_id: string;
  role: Role;
  content: Binary;
  /** The device's numbering of batches in the order received. */
  seq: number;
  sent_at: Date;
  received_at: Date;
  state: BatchState;
  items: StoredItem[];
  /** Verdicts of items[0 .. next_item). */
  results: OperationResult[];
  next_item: number;
  /** Starts since the last progress; a start that ends its process leaves its mark here. */
  attempts: number;
  /** Starts since the last progress while it was the only suspect at work (process-sync-batch.ts). */
  suspect_starts: number;
  /** Starts since the last progress that met other writers although the database answered (process-sync-batch.ts). */
  contended_starts?: number;
  /** Items before this index are applied one by one, because a start with all of them died. */
  isolate_until: number;
  applied_at?: Date;
  /** Batches that carry operations of this one which were set aside and sent again, by their index. */
  redriven?: Record<string, string>;
  /** Of such a batch: where its operation came in first. */
  redrive_of?: { batch_id: string; index: number };
}

export type BatchHeader = Pick<SyncBatch, '_id' | 'user_id' | 'content' | 'state'>;

/** What is needed to recognise a batch that was accepted before. */
export const findBatchHeader = (database: Database, batchId: string): Promise<BatchHeader | null> =>
  database.batches.findOne(
    { _id: batchId },
    { projection: { user_id: 1, content: 1, state: 1 } },
  ) as Promise<BatchHeader | null>;

export interface NewBatch {
  batch_id: string;
  device_id: string;
  queue_epoch: string;
  user_id: string;
  role: Role;
  content: Buffer;
  sent_at: Date;
  queue_remaining: number | null;
  items: InboxOperation[];
}

/**
 * Makes a batch durable. Returns false when a batch of this id was stored meanwhile: the caller then
 * compares it as a replay.
 */
export async function storeBatch(database: Database, batch: NewBatch): Promise<boolean> {
  const { seq, receivedAt } = await numberBatch(database, batch);
  try {
    await database.batches.insertOne(
      newBatchRow({
        _id: batch.batch_id,
        device_id: batch.device_id,
        queue_epoch: batch.queue_epoch,
        user_id: batch.user_id,
        role: batch.role,
        content: new Binary(batch.content),
        seq,
        sent_at: batch.sent_at,
        received_at: receivedAt,
        items: batch.items.map((item) => ({ ...item, content: new Binary(item.content) })),
      }),
    );
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/** A batch being applied: its items in the domain's form. */
export type ClaimedBatch = Omit<SyncBatch, 'items' | 'content' | 'contended_starts'> & {
  items: InboxOperation[];
  contended_starts: number;
};

/**
 * The device's oldest unapplied batch, marked as being processed with one more attempt, or null. It is no
 * lock: a second claimer gets the same batch, and one of the two fails when it moves `next_item`.
 */
export async function claimNextBatch(database: Database, deviceId: string): Promise<ClaimedBatch | null> {
  const batch = await database.batches.findOneAndUpdate(
    { device_id: deviceId, state: { $in: ['received', 'processing'] } },
    { $set: { state: 'processing' }, $inc: { attempts: 1 } },
    { sort: { seq: 1 }, returnDocument: 'after', projection: { content: 0 } },
  );
  if (!batch) return null;
  return {
    ...batch,
    contended_starts: batch.contended_starts ?? 0,
    items: batch.items.map((item) => ({ ...item, content: Buffer.from(item.content.buffer) })),
  };
}

/** From here on the batch's operations are applied one by one. */
export async function startAlone(database: Database, batch: ClaimedBatch): Promise<void> {
  const isolateUntil = batch.items.length;
  await database.batches.updateOne(
    { _id: batch._id, next_item: batch.next_item },
    { $set: { suspect_starts: 0, contended_starts: 0, isolate_until: isolateUntil } },
  );
  batch.suspect_starts = 0;
  batch.contended_starts = 0;
  batch.isolate_until = isolateUntil;
}

/** Leaves a mark before operations are applied, in case they end the process. */
export async function countStart(
  database: Database,
  batch: ClaimedBatch,
  mark: { suspect: boolean },
): Promise<void> {
  const suspectStarts = mark.suspect ? 1 : 0;
  await database.batches.updateOne(
    { _id: batch._id, next_item: batch.next_item },
    { $inc: { attempts: 1, suspect_starts: suspectStarts } },
  );
  batch.attempts += 1;
  batch.suspect_starts += suspectStarts;
}

/** Takes the marks of one start back: the process lived to say that the operations were not to blame. */
export async function returnStart(database: Database, batchId: string): Promise<void> {
  const less = (field: string) => ({ $max: [0, { $subtract: [{ $ifNull: [field, 0] }, 1] }] });
  await database.batches.updateOne({ _id: batchId }, [
    { $set: { attempts: less('$attempts'), suspect_starts: less('$suspect_starts') } },
  ]);
}

/** Notes that a start met other writers. Separate from the marks of deaths: nobody died of it. */
export async function countContention(database: Database, batch: ClaimedBatch): Promise<void> {
  await database.batches.updateOne(
    { _id: batch._id, next_item: batch.next_item },
    { $inc: { contended_starts: 1 } },
  );
  batch.contended_starts += 1;
}

/** Another drainer of the same device moved the batch on; this one has nothing to do. */
export class BatchMovedOn extends Error {
  override name = 'BatchMovedOn';
}

/**
 * Moves the batch past the items whose verdicts these are, in the caller's transaction. It is the cursor
 * that keeps a device's batches in order: throws BatchMovedOn unless it stands where `from` says.
 */
export async function advanceBatch(
  database: Database,
  session: ClientSession,
  step: { batchId: string; from: number; total: number; results: readonly OperationResult[]; at: Date },
): Promise<void> {
  const next = step.from + step.results.length;
  const done = next >= step.total;
  // A `retry` is no progress: what follows it and meets other writers, too, is not waited for as long again.
  const progress = step.results.some(({ verdict }) => verdict !== 'retry');
  const moved = await database.batches.updateOne(
    { _id: step.batchId, next_item: step.from, state: { $ne: 'applied' } },
    {
      $set: {
        next_item: next,
        attempts: 0,
        suspect_starts: 0,
        ...(progress ? { contended_starts: 0 } : {}),
        state: done ? 'applied' : 'processing',
        ...(done ? { applied_at: step.at } : {}),
      },
      $push: { results: { $each: [...step.results] } },
    },
    { session },
  );
  if (moved.matchedCount === 0) throw new BatchMovedOn(`batch ${step.batchId} is not at item ${step.from}`);
}

export type BatchView = Pick<SyncBatch, '_id' | 'user_id' | 'state' | 'results'> & {
  /** The session that each of its items names; undefined for one that could not be read. */
  item_sessions: (string | undefined)[];
};

/** The batch's state and the verdicts committed so far; of an operation that was sent again, the later one. */
export async function findBatchView(database: Database, batchId: string): Promise<BatchView | null> {
  const batch = await database.batches.findOne(
    { _id: batchId },
    { projection: { user_id: 1, state: 1, results: 1, redriven: 1, 'items.operation.session_id': 1 } },
  );
  if (!batch) return null;
  const { items, redriven, ...view } = batch;
  if (redriven) view.results = await withRedriven(database, view.results, redriven);
  const item_sessions = items.map((item) => ('operation' in item ? item.operation.session_id : undefined));
  return { ...view, item_sessions };
}

/** Batches that wait for a worker, counted up to `limit`. */
export const countUnapplied = (database: Database, limit: number): Promise<number> =>
  database.batches.countDocuments({ state: { $in: ['received', 'processing'] } }, { limit });

/**
 * Devices with a batch that has waited since before `before`, the longest waiting first. All of them: uploads
 * are refused over 100,000 unapplied batches.
 */
export async function findStrandedDevices(database: Database, before: Date): Promise<string[]> {
  const rows = await database.batches
    .aggregate<{ _id: string }>([
      { $match: { state: { $in: ['received', 'processing'] }, received_at: { $lt: before } } },
      { $group: { _id: '$device_id', oldest: { $min: '$received_at' } } },
      { $sort: { oldest: 1 } },
      { $project: { _id: 1 } },
    ])
    .toArray();
  return rows.map((row) => row._id);
}
