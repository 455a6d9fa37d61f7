import type { Redis } from 'ioredis';
import type { Database } from '../db/database.ts';
import { LeaseLost } from '../db/leases.ts';
import { MAX_PAGE } from '../db/outbox-publishing.ts';
import { inTime } from '../runtime/in-time.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import { openEventStream } from './event-stream.ts';
import { listenToBell } from './outbox-bell.ts';
import { type PageReport, publishPages, StreamMoved } from './publish-pages.ts';
import { publishSteps } from './publish-steps.ts';
import { type HeldTerm, underLease } from './publisher-lease.ts';
import { COMMAND_TIMEOUT_MS, openConnection } from './redis-connection.ts';
import { createWakeUp } from './wake-up.ts';

/** A resume reaches back at most about so many events; at 500 bytes each they take 5 MB of Redis. */
export const STREAM_LENGTH = 10_000;

const STOP_TIMEOUT_MS = 5_000;

const DEFAULTS = {
  lease: 'outbox-publisher',
  /** How long the others wait after a publisher was killed. */
  leaseMs: 5_000,
  /** The net under the bell, and how often a lost stream is looked for. */
  pollMs: 1_000,
  pageSize: 500,
  streamLength: STREAM_LENGTH,
};

export interface OutboxPublisherOptions extends Partial<typeof DEFAULTS> {
  database: Database;
  /** Only its address is used: the publisher opens connections of its own. */
  redis: Redis;
  streamKey: string;
  bellChannel: string;
  logger: Logger;
}

export interface PublisherStats {
  leading: boolean;
  published: number;
  pages: number;
  epochs: number;
  failures: number;
}

export type OutboxPublisher = Service & { stats(): PublisherStats };

/**
 * Moves events from `realtime_outbox` into the Redis stream, one process at a time: each at least once, in
 * one order, under an id that never changes once it could have been read (invariant R1). It outlives any
 * outage of Redis and MongoDB: events wait in the outbox.
 */
export function createOutboxPublisher(options: OutboxPublisherOptions): OutboxPublisher {
  const { database, redis, streamKey, bellChannel, logger, lease, leaseMs, pollMs, pageSize, streamLength } =
    {
      ...DEFAULTS,
      ...options,
    };
  const stats: PublisherStats = { leading: false, published: 0, pages: 0, epochs: 0, failures: 0 };
  const wakeUp = createWakeUp();
  const halt = createWakeUp();
  let stopping = false;
  let running: Promise<void> | undefined;
  let close = (): void => {};

  async function start(): Promise<void> {
    if (running) return;
    stopping = false;
    const connection = openConnection(redis, logger, 'publisher', { commandTimeout: COMMAND_TIMEOUT_MS });
    const bell = listenToBell({ redis, channel: bellChannel, logger, onRing: wakeUp.wake });
    connection.on('ready', wakeUp.wake);
    close = () => {
      connection.disconnect();
      bell.stop();
    };
    const stream = openEventStream(connection, streamKey, streamLength);
    const work = async (held: HeldTerm): Promise<void> => {
      const pages = publishPages(publishSteps(database, stream, held.term), Math.min(pageSize, MAX_PAGE));
      stats.leading = true;
      try {
        while (!held.over) await publishOnce(pages);
      } finally {
        stats.leading = false;
      }
    };
    running = (async () => {
      while (!stopping) {
        await underLease({ database, lease, ttlMs: leaseMs, logger, stopped: () => stopping }, work).catch(
          (error: unknown) => noteFailure(error),
        );
        // Rings are for the one that publishes; the others look at the lease now and then.
        if (!stopping) await halt.wait(pollMs);
      }
    })();
  }

  async function publishOnce(pages: { next(): Promise<PageReport> }): Promise<void> {
    let report: PageReport;
    try {
      report = await pages.next();
    } catch (error) {
      // A moved stream is looked at again under this term; anything else may be an outage: wait for the poll.
      if (!(error instanceof StreamMoved)) {
        if (error instanceof LeaseLost) throw error;
        noteFailure(error);
      }
      await wakeUp.wait(pollMs);
      return;
    }
    recovered();
    if (report.startedEpoch) {
      stats.epochs += 1;
      logger.info('the event stream begins a new epoch');
    }
    if (report.rows.length > 0) stats.pages += 1;
    stats.published += report.rows.length;
    if (report.idle) await wakeUp.wait(pollMs);
  }

  let failing = false;
  function noteFailure(error: unknown): void {
    stats.failures += 1;
    // Said once per outage, not once per second of it.
    if (!failing && !stopping) logger.warn({ err: error }, 'events wait: publishing failed');
    failing = true;
  }
  function recovered(): void {
    if (failing) logger.info('publishing goes on');
    failing = false;
  }

  async function stop(): Promise<void> {
    stopping = true;
    wakeUp.wake();
    halt.wake();
    // What is under way may hang on a server that does not answer; a half-done page is the next one's to finish.
    await inTime(running ?? Promise.resolve(), STOP_TIMEOUT_MS).catch(() => {});
    running = undefined;
    close();
  }

  return { name: 'outbox publisher', start, stop, stats: () => ({ ...stats }) };
}
