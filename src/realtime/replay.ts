import type { Connection } from './connection.ts';
import type { EventBus } from './event-bus.ts';
import type { RelayCounters } from './relay-stats.ts';
import { isEvent, type StreamEntry } from './stream-entry.ts';
import { comparePositions, followsOn, parsePosition, type StreamPosition } from './stream-position.ts';

interface Services {
  bus: EventBus;
  counters: RelayCounters;
}

/**
 * Sends a client everything after `lastEventId` and then lets it go on live, or tells it that the gap is
 * not complete and sends nothing of it (invariants R1, R4). Throws when Redis cannot be read.
 *
 * While it runs the client gets nothing live and nothing is buffered for it: it is read up to where the bus
 * is, and switched over in the same turn of the event loop, so that no event falls between or comes twice.
 */
export async function replay(connection: Connection, lastEventId: string, services: Services): Promise<void> {
  const { bus, counters } = services;
  const pausedAt = bus.position();
  connection.pause();
  const requested = parsePosition(lastEventId);
  const gap = requested && (await bus.openReplay(requested));
  if (!requested || !gap) {
    counters.unrecovered += 1;
    connection.send({ type: 'resumed', recovered: false });
    // Not the gap: only what came live while the answer was looked for.
    const caughtUp = await catchUp(connection, { at: pausedAt, entries: [], bus });
    if (caughtUp) connection.goLive(caughtUp.at);
    return;
  }
  const caughtUp = await catchUp(connection, { at: requested, entries: gap, bus });
  if (!caughtUp) return;
  counters.resumed += 1;
  counters.replayed += caughtUp.sent;
  connection.send({ type: 'resumed', recovered: true, replayed: caughtUp.sent });
  connection.goLive(caughtUp.at);
}

/**
 * Offers the stream's entries up to where the bus is, at the client's speed. Answers the place reached;
 * undefined when the connection ended, which it also does when entries were lost on the way: the client
 * comes back and gets an honest verdict then.
 */
async function catchUp(
  connection: Connection,
  from: { at: StreamPosition; entries: readonly StreamEntry[]; bus: EventBus },
): Promise<{ at: StreamPosition; sent: number } | undefined> {
  const { bus } = from;
  let { at, entries } = from;
  let sent = 0;
  for (;;) {
    for (const entry of entries) {
      if (!followsOn(at, entry)) connection.close('slow'); // the stream was trimmed faster than it read
      if (connection.closed) return undefined;
      at = entry.position;
      if (isEvent(entry) && connection.offer(entry)) sent += 1;
      await connection.drained();
    }
    if (connection.closed) return undefined;
    // What the bus handed out up to here was offered above; what it hands out from now on is live.
    if (comparePositions(at, bus.position()) >= 0) return { at, sent };
    entries = await bus.readOn(at);
    if (entries.length === 0) connection.close('restart'); // the stream was emptied meanwhile
  }
}
