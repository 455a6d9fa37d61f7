import type { Redis } from 'ioredis';
import { inTime } from '../runtime/in-time.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import { openEventStream } from './event-stream.ts';
import { COMMAND_TIMEOUT_MS, openConnection, untilReady } from './redis-connection.ts';
import { canResume } from './resume.ts';
import { isEvent, type StreamEntry, type StreamEvent } from './stream-entry.ts';
import { followsOn, ORIGIN, type StreamPosition } from './stream-position.ts';
import { createWakeUp } from './wake-up.ts';

const DEFAULTS = {
  /** One read waits so long for news; a connection that is silent for longer is broken and is opened anew. */
  blockMs: 5_000,
  /** Pause before reading again after a failure. */
  retryMs: 200,
  startTimeoutMs: 10_000,
};

/** Entries of one read, live or replayed. */
const READ_COUNT = 200;
/** After so long in one go the event loop gets its turn: sockets must be read and pings answered. */
const YIELD_AFTER_MS = 10;

export interface EventBusOptions extends Partial<typeof DEFAULTS> {
  /** Only its address is used: the bus opens connections of its own. */
  redis: Redis;
  streamKey: string;
  logger: Logger;
}

export interface BusListener {
  onEvent(event: StreamEvent): void;
  /** Events were lost between the last one and the next: whoever was live has to resume. */
  onGap(): void;
}

export interface BusStats {
  received: number;
  gaps: number;
  failures: number;
}

export interface EventBus extends Service {
  /** The place of the last entry that was handed out; events after it will come. */
  position(): StreamPosition;
  subscribe(listener: BusListener): () => void;
  /** The first entries after a place, or undefined when the gap is not complete any more (R4). */
  openReplay(after: StreamPosition): Promise<StreamEntry[] | undefined>;
  /** The next entries of a replay; the reader compares places to see that none is missing. */
  readOn(after: StreamPosition): Promise<StreamEntry[]>;
  stats(): BusStats;
}

/**
 * Reads the event stream once for the whole process, from its end, and hands every event to the listeners
 * in order. Redis may go and come back: reading goes on behind the last entry, and whatever cannot be read
 * any more is reported as a gap.
 */
export function createEventBus(options: EventBusOptions): EventBus {
  const { redis, streamKey, logger, blockMs, retryMs, startTimeoutMs } = { ...DEFAULTS, ...options };
  const stats: BusStats = { received: 0, gaps: 0, failures: 0 };
  const listeners = new Set<BusListener>();
  const halt = createWakeUp();
  let at: StreamPosition = ORIGIN;
  let stopping = false;
  let running: Promise<void> | undefined;
  let reader: Redis | undefined;
  let replayer: Redis | undefined;

  async function start(): Promise<void> {
    if (running) return;
    stopping = false;
    // A read that outlives its own waiting time by a second is on a dead connection.
    reader = openConnection(redis, logger, 'bus', { commandTimeout: blockMs + 1_000 });
    replayer = openConnection(redis, logger, 'replay', { commandTimeout: COMMAND_TIMEOUT_MS });
    try {
      await Promise.all([untilReady(reader, startTimeoutMs), untilReady(replayer, startTimeoutMs)]);
      at = (await openEventStream(replayer, streamKey, 0).last()) ?? ORIGIN;
    } catch (error) {
      disconnect();
      throw error;
    }
    running = read(reader);
  }

  async function read(connection: Redis): Promise<void> {
    const stream = openEventStream(connection, streamKey, 0);
    while (!stopping) {
      try {
        await handOut(await stream.waitAfter(at, { count: READ_COUNT, blockMs }));
      } catch (error) {
        if (stopping) return;
        stats.failures += 1;
        logger.debug({ err: error }, 'the event stream could not be read');
        if (connection.status === 'ready') connection.disconnect(true);
        await halt.wait(retryMs);
      }
    }
  }

  async function handOut(entries: readonly StreamEntry[]): Promise<void> {
    let turnBegan = performance.now();
    for (const entry of entries) {
      if (stopping) return;
      accept(entry);
      if (performance.now() - turnBegan < YIELD_AFTER_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnBegan = performance.now();
    }
  }

  function accept(entry: StreamEntry): void {
    const complete = followsOn(at, entry);
    at = entry.position;
    if (!complete) {
      stats.gaps += 1;
      logger.warn({ at: entry.position }, 'events were lost from the stream before they were read');
      for (const listener of listeners) listener.onGap();
    }
    if (!isEvent(entry)) return;
    stats.received += 1;
    for (const listener of listeners) listener.onEvent(entry);
  }

  const replayStream = (): ReturnType<typeof openEventStream> => {
    if (!replayer) throw new Error('The event bus was not started.');
    return openEventStream(replayer, streamKey, 0);
  };

  async function openReplay(requested: StreamPosition): Promise<StreamEntry[] | undefined> {
    const { entries, last } = await replayStream().readAfter(requested, READ_COUNT);
    return canResume({ requested, last, next: entries[0] }) ? entries : undefined;
  }

  function disconnect(): void {
    reader?.disconnect();
    replayer?.disconnect();
  }

  return {
    name: 'event bus',
    start,
    async stop() {
      stopping = true;
      halt.wake();
      disconnect();
      await inTime(running ?? Promise.resolve(), blockMs).catch(() => {});
      running = undefined;
    },
    position: () => at,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    openReplay,
    readOn: async (after) => (await replayStream().readAfter(after, READ_COUNT)).entries,
    stats: () => ({ ...stats }),
  };
}
