import type { ObjectId } from 'mongodb';
import type { RealTimeEvent } from '../contract/wire-types.ts';
import type { Database } from './database.ts';
import { type Term, writeUnderLease } from './leases.ts';
import type { OutboxRow } from './outbox.ts';
import { MAX_TIME_MS } from './time-limited.ts';
import { inTransaction } from './transaction.ts';

/** No page is longer, so rows that were numbered but not sent lie within so many offsets of the last one. */
export const MAX_PAGE = 1000;

/** Where the publisher stands. Epoch 0 means that nothing was ever published. */
export interface PublisherState {
  /** Milliseconds, always greater than the one before: the first half of every id of this epoch. */
  epoch: number;
  /** The last offset that was given to a row; 0 when none was. */
  lastOffset: number;
  /** `<epoch>-<offset>` that a reader must have reached in the epoch before to have missed nothing. */
  previous: string;
}

/** A row that has not got an offset yet. */
export type WaitingRow = OutboxRow & { _id: ObjectId };

/** A row with its place in the stream. */
export interface NumberedRow {
  offset: number;
  at: Date;
  event: RealTimeEvent;
}

const NEVER: PublisherState = { epoch: 0, lastOffset: 0, previous: '0-0' };

const stateOf = (
  lease: { epoch?: number; last_offset?: number; previous?: string } | null,
): PublisherState =>
  lease?.epoch === undefined
    ? NEVER
    : { epoch: lease.epoch, lastOffset: lease.last_offset ?? 0, previous: lease.previous ?? '0-0' };

/** The publisher's place as MongoDB knows it. */
export async function readPublisherState(database: Database, lease: string): Promise<PublisherState> {
  return stateOf(await database.leases.findOne({ _id: lease }, { maxTimeMS: MAX_TIME_MS }));
}

/** The next rows without an offset, in the order in which they will be sent. */
export async function readUnnumbered(database: Database, limit: number): Promise<WaitingRow[]> {
  return database.outbox
    .find({ offset: { $exists: false } }, { maxTimeMS: MAX_TIME_MS })
    .sort({ at: 1, n: 1, _id: 1 })
    .limit(Math.min(limit, MAX_PAGE))
    .toArray();
}

/** Rows of this epoch that have an offset and were not marked as sent, by offset. */
export async function readUnsent(database: Database, state: PublisherState): Promise<NumberedRow[]> {
  const rows = await database.outbox
    .find(
      { offset: { $gt: state.lastOffset - MAX_PAGE }, epoch: state.epoch, sent_at: { $exists: false } },
      { maxTimeMS: MAX_TIME_MS },
    )
    .sort({ offset: 1 })
    .toArray();
  return rows.flatMap(({ offset, at, event }) => (offset === undefined ? [] : [{ offset, at, event }]));
}

/**
 * Gives the rows the next offsets, in one transaction with the fence: either all of them have one and the
 * state moved, or nothing happened. Throws LeaseLost.
 */
export async function numberRows(
  database: Database,
  term: Term,
  state: PublisherState,
  rows: readonly WaitingRow[],
): Promise<{ state: PublisherState; page: NumberedRow[] }> {
  const lastOffset = state.lastOffset + rows.length;
  const page = rows.map(({ at, event }, n) => ({ offset: state.lastOffset + 1 + n, at, event }));
  await inTransaction(database, async (session) => {
    await writeUnderLease(database, session, term, { last_offset: lastOffset });
    await database.outbox.bulkWrite(
      rows.map((row, n) => ({
        updateOne: {
          filter: { _id: row._id },
          update: { $set: { epoch: state.epoch, offset: state.lastOffset + 1 + n } },
        },
      })),
      { session, ordered: true },
    );
  });
  return { state: { ...state, lastOffset }, page };
}

/**
 * Marks the rows of one epoch up to an offset as sent; they are deleted a day later. It names rows by epoch
 * and offset and is therefore true whoever writes it: a new epoch takes unsent rows out of the old one.
 */
export async function markSent(
  database: Database,
  range: { epoch: number; from: number; through: number },
): Promise<void> {
  await database.outbox.updateMany(
    { epoch: range.epoch, offset: { $gte: range.from, $lte: range.through }, sent_at: { $exists: false } },
    [{ $set: { sent_at: '$$NOW' } }],
    { maxTimeMS: MAX_TIME_MS },
  );
}

/**
 * Begins a new epoch and takes the offsets of rows that were never sent back, in one transaction with the
 * fence. `above` is an epoch that the new one must exceed besides the old one. Throws LeaseLost.
 */
export async function startEpoch(
  database: Database,
  term: Term,
  from: { state: PublisherState; above: number; sentThrough: number },
): Promise<PublisherState> {
  const { state, above, sentThrough } = from;
  return inTransaction(database, async (session) => {
    const lease = await writeUnderLease(database, session, term, {
      epoch: { $max: [{ $toLong: '$$NOW' }, Math.max(state.epoch, above) + 1] },
      last_offset: 0,
      previous: `${state.epoch}-${sentThrough}`,
    });
    await database.outbox.updateMany(
      { offset: { $gt: state.lastOffset - MAX_PAGE }, epoch: state.epoch, sent_at: { $exists: false } },
      { $unset: { offset: 1, epoch: 1 } },
      { session },
    );
    return stateOf(lease);
  });
}
