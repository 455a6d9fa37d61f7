import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Identity } from '../../contract/identity.ts';
import { mayActAs } from '../../contract/identity.ts';
import { MAX_BATCH_ITEMS, type UploadEnvelope, uploadBatch } from '../../contract/schemas/upload-batch.ts';
import type { BatchStatus } from '../../contract/wire-types.ts';
import { findResolutions } from '../../db/conflicts/read-conflicts.ts';
import type { Database } from '../../db/database.ts';
import { readServerTime } from '../../db/server-time.ts';
import { findBlindSessions } from '../../db/sessions/sessions.ts';
import { type Backlog, createBacklog } from '../../db/sync/backlog.ts';
import {
  type BatchHeader,
  type BatchView,
  findBatchHeader,
  findBatchView,
  storeBatch,
} from '../../db/sync/sync-batches.ts';
import type { InboxOperation } from '../../domain/sync/chunk.ts';
import { batchContentHash, contentHash } from '../../domain/sync/identity.ts';
import { readOperation } from '../../domain/sync/read-operation.ts';
import { inTime } from '../../runtime/in-time.ts';
import type { Authenticate } from '../authenticate.ts';
import { ApiError } from '../errors.ts';
import { parseWait } from '../prefer.ts';
import { type BlindReader, visibleResults } from '../visible-results.ts';

export interface SyncRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  /** Rings the device's queue. May fail: a sweep rings again. */
  ringDevice: (deviceId: string) => Promise<void>;
  waitForBatch: (batchId: string, ms: number) => Promise<void>;
  /** Seconds to wait when the user or address is over its limit. */
  takeUpload: (userId: string, address: string) => Promise<number | undefined>;
  /** Aborted when the process stops: waiting uploads are answered at once. */
  stopping: AbortSignal;
}

/** The ring never delays an answer longer than this (contract 4). */
const MAX_RING_MS = 100;
/** How often a waiting upload looks by itself, should an announcement get lost. */
const LOOK_EVERY_MS = 500;
const MAX_UNAPPLIED = 100_000;
const BACK_PRESSURE_RETRY_SECONDS = 30;

interface RouteState extends SyncRouteDependencies {
  backlog: Backlog;
}

/** `POST /api/sync/batches` and `GET /api/sync/batches/{batch_id}` (contract 4). */
export async function syncBatchRoutes(
  instance: FastifyInstance,
  dependencies: SyncRouteDependencies,
): Promise<void> {
  const deps = { ...dependencies, backlog: createBacklog(dependencies.database, MAX_UNAPPLIED) };
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/sync/batches',
    {
      onRequest: deps.authenticate('staff'),
      schema: { body: uploadBatch, summary: 'Upload a batch of offline operations', tags: ['sync'] },
    },
    async (request, reply) => {
      const waitMs = parseWait(request.headers.prefer);
      if (waitMs !== undefined) reply.header('Preference-Applied', 'wait');
      const batch = readBatch(request.body);
      const header = await acceptBatch(deps, batch, request.identity, request.ip);
      const announced = waitMs === undefined ? undefined : deps.waitForBatch(batch.batch_id, LOOK_EVERY_MS);
      if (header.state !== 'applied') await ringBriefly(deps, batch.device_id);
      if (header.state === 'applied') return sendResults(deps, reply, batch.batch_id, request.identity);
      if (waitMs !== undefined && (await becomesApplied(deps, batch.batch_id, waitMs, announced!))) {
        return sendResults(deps, reply, batch.batch_id, request.identity);
      }
      return reply
        .code(202)
        .send({ batch_id: batch.batch_id, state: 'received', received: batch.items.length });
    },
  );

  app.get(
    '/api/sync/batches/:batch_id',
    {
      onRequest: deps.authenticate('staff'),
      schema: {
        params: z.object({ batch_id: z.uuid().transform((id) => id.toLowerCase()) }),
        summary: 'A batch with the verdicts committed so far',
        tags: ['sync'],
      },
    },
    async (request) => batchStatus(deps, request.params.batch_id, request.identity),
  );
}

interface ReadBatch extends Omit<UploadEnvelope, 'items'> {
  items: InboxOperation[];
  content: Buffer;
}

function readBatch(envelope: UploadEnvelope): ReadBatch {
  if (envelope.schema_version > 1) throw new ApiError('unsupported_version');
  if (envelope.items.length > MAX_BATCH_ITEMS) throw new ApiError('batch_too_large');
  const items = envelope.items.map((item): InboxOperation => {
    const { content, ...read } = readOperation(item);
    return { ...read, content: contentHash(content) };
  });
  return { ...envelope, items, content: batchContentHash(envelope.device_id, envelope.queue_epoch, items) };
}

/** Stores a new batch, or recognises one that was accepted before: that one passes every limit. */
async function acceptBatch(
  deps: RouteState,
  batch: ReadBatch,
  identity: Identity,
  address: string,
): Promise<Pick<BatchHeader, 'state'>> {
  const known = await findBatchHeader(deps.database, batch.batch_id);
  if (known) return recognise(known, batch, identity);
  const retryAfterSeconds = await deps.takeUpload(identity.user_id, address);
  if (retryAfterSeconds !== undefined) throw new ApiError('rate_limited', undefined, { retryAfterSeconds });
  if ((await deps.backlog.size()) >= MAX_UNAPPLIED) {
    throw new ApiError('unavailable', 'Too many batches are waiting.', {
      retryAfterSeconds: BACK_PRESSURE_RETRY_SECONDS,
    });
  }
  const stored = await storeBatch(deps.database, {
    batch_id: batch.batch_id,
    device_id: batch.device_id,
    queue_epoch: batch.queue_epoch,
    user_id: identity.user_id,
    role: identity.role,
    content: batch.content,
    sent_at: batch.sent_at,
    queue_remaining: batch.queue_remaining ?? null,
    items: batch.items,
  });
  if (stored) return { state: 'received' };
  const winner = await findBatchHeader(deps.database, batch.batch_id);
  if (!winner) throw new Error('a batch that could not be stored twice is not there');
  return recognise(winner, batch, identity);
}

function recognise(known: BatchHeader, batch: ReadBatch, identity: Identity): BatchHeader {
  const same = known.user_id === identity.user_id && Buffer.from(known.content.buffer).equals(batch.content);
  if (!same) throw new ApiError('batch_id_reused');
  return known;
}

async function ringBriefly(deps: SyncRouteDependencies, deviceId: string): Promise<void> {
  await inTime(deps.ringDevice(deviceId), MAX_RING_MS).catch(() => {});
}

async function becomesApplied(
  deps: SyncRouteDependencies,
  batchId: string,
  waitMs: number,
  announced: Promise<void>,
): Promise<boolean> {
  const until = performance.now() + waitMs;
  let next = announced;
  for (;;) {
    await next;
    const header = await findBatchHeader(deps.database, batchId);
    if (header?.state === 'applied') return true;
    const leftMs = until - performance.now();
    if (leftMs <= 0 || deps.stopping.aborted) return false;
    next = deps.waitForBatch(batchId, Math.min(leftMs, LOOK_EVERY_MS));
  }
}

async function sendResults(
  deps: SyncRouteDependencies,
  reply: FastifyReply,
  batchId: string,
  identity: Identity,
): Promise<FastifyReply> {
  const status = await batchStatus(deps, batchId, identity);
  const allDone = status.results.every(({ verdict }) => verdict === 'applied' || verdict === 'duplicate');
  return reply.code(allDone ? 200 : 207).send(status);
}

async function batchStatus(
  deps: SyncRouteDependencies,
  batchId: string,
  identity: Identity,
): Promise<BatchStatus> {
  const batch = await findBatchView(deps.database, batchId);
  if (!batch || !maySee(batch, identity)) throw new ApiError('not_found');
  const conflictIds = batch.results.flatMap((result) => result.conflict_id ?? []);
  const resolutions = await findResolutions(deps.database, conflictIds);
  const masks = await blindResults(deps.database, batch, identity);
  return {
    batch_id: batch._id,
    state: batch.state,
    results: visibleResults(batch.results, resolutions, masks),
    server_time: (await readServerTime(deps.database)).toISOString(),
  };
}

/** Staff see no foreign counts in the results of BLIND sessions. */
async function blindResults(
  database: Database,
  batch: BatchView,
  identity: Identity,
): Promise<BlindReader | undefined> {
  if (identity.role !== 'staff') return undefined;
  const named = batch.item_sessions.filter((sessionId) => sessionId !== undefined);
  const blind = new Set(await findBlindSessions(database, [...new Set(named)]));
  return {
    user_id: identity.user_id,
    isBlind: (index) => blind.has(batch.item_sessions[index] ?? ''),
  };
}

const maySee = (batch: BatchView, identity: Identity): boolean =>
  batch.user_id === identity.user_id || mayActAs(identity.role, 'supervisor');
