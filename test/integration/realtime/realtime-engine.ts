// One engine's realtime part on real services, with short times, for the tests of this folder.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import { inject, onTestFinished } from 'vitest';
import type { PublishedEvent, RealTimeEvent, Role } from '../../../src/contract/wire-types.ts';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { appendEvents } from '../../../src/db/outbox.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { createEventBus, type EventBus } from '../../../src/realtime/event-bus.ts';
import { createOutboxBell } from '../../../src/realtime/outbox-bell.ts';
import {
  createOutboxPublisher,
  type OutboxPublisher,
  type OutboxPublisherOptions,
} from '../../../src/realtime/outbox-publisher.ts';
import { realtimeKeys } from '../../../src/realtime/realtime-keys.ts';
import { createRelay, type Relay, type RelayOptions } from '../../../src/realtime/relay.ts';
import { createLogger } from '../../../src/runtime/logger.ts';
import { tokenVerifier } from '../../../src/runtime/verify-token.ts';
import { freshDatabase, freshRedisPrefix } from '../../support/test-database.ts';

const SECRET = 'a secret of at least thirty-two characters';
export const logger = createLogger('silent');
export const verifyToken = tokenVerifier(SECRET);

/** A signed token; `expiresInS` may be negative. */
export const tokenFor = (sub: string, role: Role | 'stranger', expiresInS = 3600): Promise<string> =>
  new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInS)
    .sign(new TextEncoder().encode(SECRET));

/** An event that says which one it is. */
export const numbered = (n: number, over: Partial<RealTimeEvent> = {}): RealTimeEvent => ({
  type: 'item_update',
  payload: {
    entity_id: `item-${n}`,
    entity_type: 'item',
    action: 'update',
    data: { n },
    actor: { user_id: 'system', username: 'system', role: 'system' },
  },
  timestamp: new Date().toISOString(),
  target_roles: ['supervisor', 'admin'],
  ...over,
});

export const numbersOf = (events: readonly PublishedEvent[]): unknown[] =>
  events.map((event) => event.payload.data['n']);

export interface Stage {
  database: Database;
  redis: Redis;
  streamKey: string;
  bellChannel: string;
  /** Cuts connections of this stage at Redis; `purpose` picks them, '' all of its services'. */
  cut(purpose: string): Promise<void>;
  /** Commits events in one transaction and rings, as a job does. */
  commit(...events: RealTimeEvent[]): Promise<void>;
  publisher(options?: Partial<OutboxPublisherOptions>): Promise<OutboxPublisher>;
  bus(): Promise<EventBus>;
  relay(
    options?: Partial<RelayOptions>,
  ): Promise<{ relay: Relay; url: string; server: Server; bus: EventBus }>;
}

/** A database and Redis prefix of the test's own; everything started on it stops with the test. */
export async function stage(): Promise<Stage> {
  const fresh = await freshDatabase();
  const database = await connectDatabase({ url: fresh.url, dbName: fresh.name });
  const redis = new Redis(inject('redisUrl'), {
    connectionName: `stage-${fresh.name}`,
    // As the engine's: what belongs to the shared connection must not reach those that wait long.
    commandTimeout: 400,
  });
  const { streamKey, bellChannel } = realtimeKeys(freshRedisPrefix());
  onTestFinished(async () => {
    await redis.del(streamKey);
    redis.disconnect();
    await database.client.close();
    await fresh.drop();
  });
  await ensureSchema(database);
  const bell = createOutboxBell({ redis, channel: bellChannel });

  async function startBus(): Promise<EventBus> {
    const bus = createEventBus({ redis, streamKey, logger, blockMs: 500, retryMs: 50 });
    await bus.start();
    onTestFinished(() => bus.stop());
    return bus;
  }

  return {
    database,
    redis,
    streamKey,
    bellChannel,
    async commit(...events) {
      const at = await readServerTime(database);
      await inTransaction(database, (session) => appendEvents(database, session, events, at));
      bell.ring();
    },
    async cut(purpose) {
      const name = `name=${redis.options.connectionName}-${purpose}`;
      for (const line of String(await redis.client('LIST')).split('\n')) {
        const id = /^id=(\d+)/.exec(line)?.[1];
        if (id && line.includes(name)) await redis.client('KILL', 'ID', id);
      }
    },
    async publisher(options = {}) {
      const publisher = createOutboxPublisher({
        database,
        redis,
        streamKey,
        bellChannel,
        logger,
        leaseMs: 900,
        pollMs: 100,
        ...options,
      });
      await publisher.start();
      onTestFinished(() => publisher.stop());
      return publisher;
    },
    bus: startBus,
    async relay(options = {}) {
      const bus = options.bus ?? (await startBus());
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const relay = createRelay({
        server,
        bus,
        verifyToken,
        allowedOrigins: [],
        logger,
        upkeepMs: 20,
        ...options,
      });
      await relay.start();
      onTestFinished(async () => {
        await relay.stop();
        server.close();
      });
      const { port } = server.address() as AddressInfo;
      return { relay, server, bus, url: `ws://127.0.0.1:${port}/ws/updates` };
    },
  };
}
