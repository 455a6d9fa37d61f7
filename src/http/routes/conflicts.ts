import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { CountLine } from '../../contract/schemas/count-line.ts';
import { countedQuantity, cursor, limit, note, text } from '../../contract/schemas/fields.ts';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import { conflictType, resolution } from '../../contract/schemas/sync-conflict.ts';
import {
  type ConflictView,
  findConflict,
  listConflicts,
  withServerSide,
} from '../../db/conflicts/read-conflicts.ts';
import type { Database } from '../../db/database.ts';
import { type Actor, person } from '../../domain/events/actor.ts';
import { conflictValueOf } from '../../domain/sync/conflict-value.ts';
import type { ResolutionRequest } from '../../domain/sync/decide-resolution.ts';
import type { Authenticate } from '../authenticate.ts';
import { ApiError } from '../errors.ts';
import { lockToWire } from './locks.ts';

/** What resolving and claiming answer; the jobs' own outcomes have this shape. */
export type ResolveAnswer =
  | { kind: 'not_found' | 'already_resolved' | 'lock_lost' }
  | { kind: 'item_locked'; lock: ItemLock }
  | { kind: 'version_changed'; line: CountLine | undefined }
  | { kind: 'resolved'; line: CountLine | undefined };

export type ClaimAnswer =
  | { kind: 'not_found' | 'already_resolved' }
  | { kind: 'item_locked' | 'claimed'; lock: ItemLock };

export interface ConflictRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  resolveConflict: (conflictId: string, request: ResolutionRequest, actor: Actor) => Promise<ResolveAnswer>;
  claimConflict: (conflictId: string, actor: Actor) => Promise<ClaimAnswer>;
}

const params = z.object({ conflict_id: z.uuid() });

const resolveBody = z.object({
  resolution,
  merged_value: z
    .object({
      counted_qty: countedQuantity,
      variance_reason: text(0, 100).optional(),
      note: note.optional(),
    })
    .optional(),
  server_version: z.int().min(0),
  fence: z.int().min(1).optional(),
});

/** The supervisors' conflict endpoints (contract 4). */
export async function conflictRoutes(
  instance: FastifyInstance,
  deps: ConflictRouteDependencies,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const onRequest = deps.authenticate('supervisor');
  const tags = ['conflicts'];

  app.get(
    '/api/sync/conflicts',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Conflicts, oldest first',
        querystring: z.object({
          status: z.enum(['pending', 'resolved']).optional(),
          session_id: text(1, 100).optional(),
          item_code: text(1, 100).optional(),
          limit,
          cursor,
        }),
      },
    },
    async (request) => {
      const { limit, cursor, ...wanted } = request.query;
      const { rows, ...page } = await listConflicts(deps.database, wanted, { limit, cursor });
      return { conflicts: rows.map(conflictToWire), ...page };
    },
  );

  app.get(
    '/api/sync/conflicts/:conflict_id',
    { onRequest, schema: { tags, params, summary: 'One conflict with its trail' } },
    async (request) => {
      const conflict = await findConflict(deps.database, request.params.conflict_id);
      if (!conflict) throw new ApiError('not_found');
      const [view] = await withServerSide(deps.database, [conflict]);
      return { ...conflictToWire(view!), trail: conflict.trail };
    },
  );

  app.post(
    '/api/sync/conflicts/:conflict_id/claim',
    { onRequest, schema: { tags, params, summary: 'Take the item for 15 minutes to decide' } },
    async (request) => {
      const { user_id, role } = request.identity;
      const answer = await deps.claimConflict(request.params.conflict_id, person(user_id, role));
      switch (answer.kind) {
        case 'not_found':
          throw new ApiError('not_found');
        case 'already_resolved':
          throw new ApiError('conflict_already_resolved');
        case 'item_locked':
          throw itemLocked(answer.lock);
        case 'claimed':
          return { lock: lockToWire(answer.lock) };
        default:
          return answer satisfies never;
      }
    },
  );

  app.post(
    '/api/sync/conflicts/:conflict_id/resolve',
    { onRequest, schema: { tags, params, body: resolveBody, summary: 'Decide a conflict, once' } },
    async (request) => {
      const { user_id, role } = request.identity;
      if (request.body.resolution === 'merge' && !request.body.merged_value) {
        throw new ApiError('merged_value_required');
      }
      const answer = await deps.resolveConflict(
        request.params.conflict_id,
        { ...request.body, user_id },
        person(user_id, role),
      );
      if (answer.kind !== 'resolved') throw resolveError(answer);
      return resolvedBody(request.body.resolution, answer.line);
    },
  );

  app.post(
    '/api/sync/conflicts/resolve',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Decide many conflicts of one session the same way',
        body: z.object({
          session_id: text(1, 100),
          conflict_type: conflictType.optional(),
          resolution: z.enum(['keep_local', 'keep_server']),
          limit: z.int().min(1).max(500).default(100),
        }),
      },
    },
    async (request) => {
      const { limit, resolution, ...wanted } = request.body;
      const { user_id, role } = request.identity;
      const actor = person(user_id, role);
      const found = await listConflicts(deps.database, { ...wanted, status: 'pending' }, { limit });
      const results = [];
      // Of several conflicts over one line each is decided on what the one before it left, oldest first, so
      // that the count which came last stays. A line that somebody else moved on meanwhile is refused.
      const ownVersions = new Map<string, number>();
      // One after the other: conflicts of one item change the same session and lock.
      for (const { conflict, line } of found.rows) {
        const { conflict_id, item_code, location } = conflict;
        const key = `${item_code}\n${location}`;
        const server_version = ownVersions.get(key) ?? line?.version ?? 0;
        try {
          const decision = { resolution, server_version, user_id };
          const answer = await deps.resolveConflict(conflict_id, decision, actor);
          if (answer.kind === 'resolved' && answer.line) ownVersions.set(key, versionSeen(answer.line));
          results.push({ conflict_id, ...bulkAnswer(resolution, answer) });
        } catch (error) {
          // Those before it are decided, and the caller has to learn so.
          request.log.error({ err: error, conflict_id }, 'a conflict could not be resolved');
          results.push({ conflict_id, ...failedAnswer(new ApiError('unavailable')) });
        }
      }
      return { results, total: found.total };
    },
  );
}

/** The version that a decision names: a voided line is none. */
const versionSeen = ({ version, voided_at }: CountLine): number => (voided_at === undefined ? version : 0);

const MESSAGES = {
  keep_local: "The device's count was kept.",
  keep_server: "The server's count was kept.",
  merge: 'The merged count was kept.',
} as const;

const resolvedBody = (how: keyof typeof MESSAGES, line: CountLine | undefined) => ({
  success: true,
  message: MESSAGES[how],
  line: line ?? null,
});

function bulkAnswer(how: 'keep_local' | 'keep_server', answer: ResolveAnswer): Record<string, unknown> {
  if (answer.kind === 'resolved') return resolvedBody(how, answer.line);
  return failedAnswer(resolveError(answer));
}

const failedAnswer = (error: ApiError) => ({
  success: false,
  message: error.message,
  error_code: error.code,
});

function resolveError(answer: Exclude<ResolveAnswer, { kind: 'resolved' }>): ApiError {
  switch (answer.kind) {
    case 'not_found':
      return new ApiError('not_found');
    case 'already_resolved':
      return new ApiError('conflict_already_resolved');
    case 'lock_lost':
      return new ApiError('lock_lost');
    case 'item_locked':
      return itemLocked(answer.lock);
    case 'version_changed':
      return new ApiError('server_version_changed', undefined, { body: { line: answer.line ?? null } });
    default:
      return answer satisfies never;
  }
}

const itemLocked = (lock: ItemLock): ApiError =>
  new ApiError('item_locked', undefined, { body: { lock: lockToWire(lock) } });

function conflictToWire({ conflict, line, lock }: ConflictView) {
  const {
    local_value,
    local_details: _details,
    trail: _trail,
    device_id: _device,
    queue_epoch: _epoch,
  } = conflict;
  return {
    conflict_id: conflict.conflict_id,
    conflict_type: conflict.conflict_type,
    entity_type: 'count_line',
    entity_id: line?.id ?? null,
    item_code: conflict.item_code,
    session_id: conflict.session_id,
    location: conflict.location,
    local_value,
    server_value: conflictValueOf(line),
    base_version: conflict.base_version,
    server_version: line?.version ?? 0,
    created_at: conflict.created_at,
    local_timestamp: local_value.counted_at,
    server_timestamp: line?.counted_at ?? null,
    status: conflict.status,
    resolution: conflict.resolution,
    resolved_by: conflict.resolved_by,
    resolved_at: conflict.resolved_at,
    ...(lock ? { lock: lockToWire(lock) } : {}),
  };
}
