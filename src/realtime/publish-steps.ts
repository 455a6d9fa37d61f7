import type { Database } from '../db/database.ts';
import type { Term } from '../db/leases.ts';
import {
  markSent,
  type NumberedRow,
  numberRows,
  type PublisherState,
  readPublisherState,
  readUnnumbered,
  readUnsent,
  startEpoch,
  type WaitingRow,
} from '../db/outbox-publishing.ts';
import type { AppendOutcome, EventStream } from './event-stream.ts';
import { epochFields, eventFields } from './stream-entry.ts';
import type { StreamPosition } from './stream-position.ts';

/**
 * Everything the publisher does to the outside, one effect each: a process may die between any two of them,
 * and another one goes on from what MongoDB and the stream hold.
 */
export interface PublishSteps {
  readState(): Promise<PublisherState>;
  readUnsent(state: PublisherState): Promise<NumberedRow[]>;
  readUnnumbered(limit: number): Promise<WaitingRow[]>;
  number(
    state: PublisherState,
    rows: readonly WaitingRow[],
  ): Promise<{ state: PublisherState; page: NumberedRow[] }>;
  startEpoch(from: { state: PublisherState; above: number; sentThrough: number }): Promise<PublisherState>;
  lastInStream(): Promise<StreamPosition | undefined>;
  announce(state: PublisherState, last: StreamPosition | undefined): Promise<AppendOutcome>;
  append(epoch: number, rows: readonly NumberedRow[], last: StreamPosition): Promise<AppendOutcome>;
  markSent(range: { epoch: number; from: number; through: number }): Promise<void>;
}

/** The steps on real services, for one term of the lease. */
export const publishSteps = (database: Database, stream: EventStream, term: Term): PublishSteps => ({
  readState: () => readPublisherState(database, term.lease),
  readUnsent: (state) => readUnsent(database, state),
  readUnnumbered: (limit) => readUnnumbered(database, limit),
  number: (state, rows) => numberRows(database, term, state, rows),
  startEpoch: (from) => startEpoch(database, term, from),
  lastInStream: () => stream.last(),
  announce: ({ epoch, previous }, last) =>
    stream.append(last, [{ position: { epoch, offset: 0 }, fields: epochFields(previous) }]),
  append: (epoch, rows, last) =>
    stream.append(
      last,
      rows.map(({ offset, event, at }) => {
        const position = { epoch, offset };
        return { position, fields: eventFields(position, event, at) };
      }),
    ),
  markSent: (range) => markSent(database, range),
});
