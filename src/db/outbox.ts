import type { ClientSession, ObjectId } from 'mongodb';
import type { RealTimeEvent } from '../contract/wire-types.ts';
import type { Database } from './database.ts';

/** An event that waits for the publisher, or was sent within the last day. `epoch` and `offset` are written before it is sent. */
export interface OutboxRow {
  _id?: ObjectId;
  /** Server time of the transaction that caused it; with `n` it orders rows that are seen together. */
  at: Date;
  n: number;
  event: RealTimeEvent;
  epoch?: number;
  offset?: number;
  sent_at?: Date;
}

/** Appends events to the outbox in the caller's transaction, in their order. */
export async function appendEvents(
  database: Database,
  session: ClientSession,
  events: readonly RealTimeEvent[],
  at: Date,
): Promise<void> {
  if (events.length === 0) return;
  await database.outbox.insertMany(
    events.map((event, n) => ({ at, n, event })),
    { session },
  );
}
