// The sync jobs on a real database, without HTTP and Redis: batches are stored and drained by hand.
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { inject } from 'vitest';
import type { OperationResult, RealTimeEvent, Role } from '../../../src/contract/wire-types.ts';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { findBatchView, storeBatch } from '../../../src/db/sync/sync-batches.ts';
import { type Actor, person } from '../../../src/domain/events/actor.ts';
import type { ResolutionRequest } from '../../../src/domain/sync/decide-resolution.ts';
import { batchContentHash } from '../../../src/domain/sync/identity.ts';
import { claimConflict } from '../../../src/jobs/claim-conflict.ts';
import { processSyncBatch } from '../../../src/jobs/process-sync-batch.ts';
import { resolveConflict } from '../../../src/jobs/resolve-conflict.ts';
import type { SyncDependencies } from '../../../src/jobs/sync-dependencies.ts';
import { voidLine } from '../../../src/jobs/void-line.ts';
import { inbox, type SentItem } from '../../unit/sync/fixtures.ts';

export const SUE = person('sue', 'supervisor');
export const MAX = person('max', 'supervisor');

export interface Sender {
  device_id?: string;
  queue_epoch?: string;
  user_id?: string;
  role?: Role;
  sent_at?: Date;
}

export interface SyncEngine {
  readonly database: Database;
  readonly dependencies: SyncDependencies;
  readonly rings: { at: Date[]; devices: string[]; applied: string[] };
  /** Stores a batch without draining it; returns its id. */
  store(items: readonly SentItem[], from?: Sender): Promise<string>;
  /** Applies what waits of a device. */
  drain(deviceId?: string, over?: Partial<SyncDependencies>): Promise<void>;
  /** Stores, drains and returns the results. */
  upload(items: readonly SentItem[], from?: Sender): Promise<OperationResult[]>;
  results(batchId: string): Promise<OperationResult[]>;
  claim(conflictId: string, actor?: Actor): ReturnType<typeof claimConflict>;
  resolve(
    conflictId: string,
    request: Partial<ResolutionRequest>,
    actor?: Actor,
  ): ReturnType<typeof resolveConflict>;
  voidLine(sessionId: string, lineId: string): ReturnType<typeof voidLine>;
  events(): Promise<RealTimeEvent[]>;
  drop(): Promise<void>;
}

export async function syncEngine(): Promise<SyncEngine> {
  const database = await connectDatabase({ url: inject('mongoUrl'), dbName: `sync_${randomUUID()}` });
  await ensureSchema(database);
  const rings = { at: [] as Date[], devices: [] as string[], applied: [] as string[] };
  const timezone = 'Europe/Berlin';
  const notifyOutbox = (): void => {};
  const ringAt = async (at: Date): Promise<void> => {
    rings.at.push(at);
  };
  const dependencies: SyncDependencies = {
    database,
    timezone,
    maxCountAgeDays: 4000,
    logger: pino({ level: 'silent' }),
    ring: async (payload) => {
      if (payload.type === 'process-sync-batch') rings.devices.push(payload.device_id);
    },
    ringAt,
    notifyOutbox,
    batchApplied: (batchId) => rings.applied.push(batchId),
  };
  const engine: SyncEngine = {
    database,
    dependencies,
    rings,
    store: async (items, from = {}) => {
      const { device_id = 'phone-A', queue_epoch = 'e1', user_id = 'ana', role = 'staff' } = from;
      const batch_id = randomUUID();
      const read = items.map(inbox);
      await storeBatch(database, {
        batch_id,
        device_id,
        queue_epoch,
        user_id,
        role,
        content: batchContentHash(device_id, queue_epoch, read),
        sent_at: from.sent_at ?? new Date(),
        queue_remaining: 0,
        items: read,
      });
      return batch_id;
    },
    drain: (device_id = 'phone-A', over = {}) =>
      processSyncBatch({ ...dependencies, ...over }, { v: 1, type: 'process-sync-batch', device_id }),
    upload: async (items, from = {}) => {
      const batchId = await engine.store(items, from);
      await engine.drain(from.device_id);
      return engine.results(batchId);
    },
    results: async (batchId) => (await findBatchView(database, batchId))?.results ?? [],
    claim: (conflictId, actor = SUE) => claimConflict({ database, notifyOutbox, ringAt }, conflictId, actor),
    resolve: (conflictId, request, actor = SUE) =>
      resolveConflict(
        { database, timezone, notifyOutbox },
        conflictId,
        { resolution: 'keep_local', server_version: 1, user_id: actor.user_id, ...request },
        actor,
      ),
    voidLine: (session_id, line_id) =>
      voidLine({ database, timezone, notifyOutbox }, { session_id, line_id, reason: 'typo' }, SUE),
    events: async () => {
      const rows = await database.outbox.find().sort({ at: 1, n: 1, _id: 1 }).toArray();
      return rows.map((row) => row.event);
    },
    drop: async () => {
      await database.db.dropDatabase();
      await database.client.close();
    },
  };
  return engine;
}

/** `verdict code` per result. */
export const said = (results: readonly OperationResult[]): string[] =>
  results.map(({ verdict, code }) => (code ? `${verdict} ${code}` : verdict));

/** A session, and a line of it that phone B wrote: what conflicts need. */
export async function openSession(engine: SyncEngine, session_id: string, qty = 10): Promise<void> {
  const { sent } = await import('../../unit/sync/fixtures.ts');
  const base = 1_000 + Math.trunc(Math.random() * 1e9);
  await engine.upload([sent.start(base, { session_id }), sent.count(base + 1, qty, { session_id })], {
    device_id: 'phone-B',
    user_id: 'bob',
  });
}

/** What the session says of its conflicts, beside what is pending in truth: the two must agree (S8). */
export async function conflictState(database: Database, session_id: string) {
  const session = await database.sessions.findOne({ session_id });
  const pending = await database.conflicts.distinct('item_code', { session_id, status: 'pending' });
  return {
    sync_status: session?.sync_status,
    conflict_items: session?.conflict_items.toSorted(),
    pending: pending.toSorted(),
  };
}
