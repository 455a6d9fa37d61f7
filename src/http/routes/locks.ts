import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { cursor, limit, text } from '../../contract/schemas/fields.ts';
import {
  type ItemLock,
  type LockHistoryEntry,
  lockHistoryEntry,
  lockReason,
  MAX_LOCK_SECONDS,
} from '../../contract/schemas/item-lock.ts';
import type { Database } from '../../db/database.ts';
import { listLocks, lockHistory } from '../../db/locks/list-locks.ts';
import { forceReleaseNow, releaseLockNow, renewLockNow, takeLockNow } from '../../db/locks/lock-now.ts';
import { person } from '../../domain/events/actor.ts';
import type { Authenticate } from '../authenticate.ts';
import { ApiError } from '../errors.ts';

export interface LockRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  /** Wakes the outbox publisher; called after each commit that made events. */
  notifyOutbox: () => void;
  /** Rings `end-due-locks` at this time; its failure does not matter, a sweep follows within 5 s. */
  ringAt: (at: Date) => Promise<void>;
}

const isoTime = z.iso.datetime();

const wireLock = z.object({
  lock_id: z.string(),
  item_code: z.string(),
  session_id: z.string(),
  locked_by: z.string(),
  locked_at: isoTime,
  expires_at: isoTime,
  reason: lockReason,
  fence: z.int(),
});

const wireEntry = z.object({
  ...lockHistoryEntry.shape,
  lock_id: z.string(),
  at: isoTime,
  expires_at: isoTime,
});

const itemParams = z.object({ item_code: text(1, 100) });
const ttl = z.int().min(1).default(MAX_LOCK_SECONDS);
const fence = z.int().min(1);
const listed = { total: z.int(), next_cursor: z.string().optional() };

/** A lock as the contract shows it; also the `lock` in an `item_locked` answer. */
export const lockToWire = ({ locked_at, expires_at, ...lock }: ItemLock): z.infer<typeof wireLock> => ({
  lock_id: lock.lock_id,
  item_code: lock.item_code,
  session_id: lock.session_id,
  locked_by: lock.locked_by,
  locked_at: locked_at.toISOString(),
  expires_at: expires_at.toISOString(),
  reason: lock.reason,
  fence: lock.fence,
});

const entryToWire = (entry: LockHistoryEntry): z.infer<typeof wireEntry> => ({
  ...entry,
  at: entry.at.toISOString(),
  expires_at: entry.expires_at.toISOString(),
});

/** The lock endpoints of contract 4, for supervisors; forcing is an admin's. */
export async function lockRoutes(
  server: FastifyInstance,
  dependencies: LockRouteDependencies,
): Promise<void> {
  const { database, authenticate, notifyOutbox, ringAt } = dependencies;
  const app = server.withTypeProvider<ZodTypeProvider>();
  const onRequest = authenticate('supervisor');
  const tags = ['locks'];

  /** After a commit: the events go out, and the job that ends the lock is asked for in time. */
  const announce = (lock: ItemLock): void => {
    notifyOutbox();
    ringAt(lock.expires_at).catch(() => {});
  };

  app.get(
    '/api/locks',
    {
      onRequest,
      schema: {
        summary: 'Active locks',
        tags,
        querystring: z.object({ session_id: text(1, 100).optional(), limit, cursor }),
        response: { 200: z.object({ locks: z.array(wireLock), ...listed }) },
      },
    },
    async (request) => {
      const { rows, ...rest } = await listLocks(database, request.query);
      return { locks: rows.map(lockToWire), ...rest };
    },
  );

  app.post(
    '/api/locks',
    {
      onRequest,
      schema: {
        summary: 'Lock an item',
        tags,
        body: z.object({
          item_code: text(1, 100),
          session_id: text(1, 100),
          reason: z.literal('manual'),
          ttl_seconds: ttl,
        }),
        response: { 201: z.object({ lock: wireLock }) },
      },
    },
    async (request, reply) => {
      const { user_id, role } = request.identity;
      refuseTooLong(request.body.ttl_seconds);
      const outcome = await takeLockNow(database, {
        ...request.body,
        locked_by: user_id,
        actor: person(user_id, role),
      });
      if (!outcome.taken) {
        throw new ApiError('item_locked', undefined, { body: { lock: lockToWire(outcome.holder) } });
      }
      announce(outcome.lock);
      return reply.code(201).send({ lock: lockToWire(outcome.lock) });
    },
  );

  app.post(
    '/api/locks/:item_code/renew',
    {
      onRequest,
      schema: {
        summary: 'Renew a lock',
        tags,
        params: itemParams,
        body: z.object({ fence, ttl_seconds: ttl }),
        response: { 200: z.object({ lock: wireLock }) },
      },
    },
    async (request) => {
      const { user_id, role } = request.identity;
      refuseTooLong(request.body.ttl_seconds);
      const lock = await renewLockNow(database, {
        ...request.params,
        ...request.body,
        user_id,
        actor: person(user_id, role),
      });
      if (!lock) throw new ApiError('lock_lost');
      announce(lock);
      return { lock: lockToWire(lock) };
    },
  );

  app.delete(
    '/api/locks/:item_code',
    {
      onRequest,
      schema: {
        summary: 'Release a lock, or force it',
        tags,
        params: itemParams,
        querystring: z.object({
          fence: z.coerce.number().pipe(fence).optional(),
          force: z.enum(['true', 'false']).optional(),
        }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { user_id, role } = request.identity;
      const { item_code } = request.params;
      const { fence, force } = request.query;
      const actor = person(user_id, role);
      if (force === 'true') {
        if (role !== 'admin') throw new ApiError('forbidden', 'Only an admin may force a lock.');
        const lock = await forceReleaseNow(database, { item_code, fence, actor });
        if (!lock) throw fence === undefined ? new ApiError('not_found') : new ApiError('lock_lost');
      } else if (fence === undefined) {
        throw new ApiError('invalid_request', 'Send `fence`, or as an admin `force=true`.');
      } else if (!(await releaseLockNow(database, { item_code, fence, user_id, actor }))) {
        throw new ApiError('lock_lost');
      }
      notifyOutbox();
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/api/locks/:item_code/history',
    {
      onRequest,
      schema: {
        summary: 'What happened to an item’s locks',
        tags,
        params: itemParams,
        querystring: z.object({ limit, cursor }),
        response: { 200: z.object({ history: z.array(wireEntry), ...listed }) },
      },
    },
    async (request) => {
      const { rows, ...rest } = await lockHistory(database, { ...request.params, ...request.query });
      return { history: rows.map(entryToWire), ...rest };
    },
  );
}

/** 422 and not 400: the request is well formed, a lock just never lives that long (contract 4). */
function refuseTooLong(ttlSeconds: number): void {
  if (ttlSeconds > MAX_LOCK_SECONDS) throw new ApiError('lock_too_long');
}
