import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { cursor, limit, text } from '../../contract/schemas/fields.ts';
import type { Database } from '../../db/database.ts';
import { dropDeadLetter, type Operator } from '../../db/dead-letters/actions.ts';
import { type DeadLetterView, findDeadLetter, listDeadLetters } from '../../db/dead-letters/list-letters.ts';
import type { RedriveOutcome } from '../../db/dead-letters/redrive-outcome.ts';
import type { Authenticate } from '../authenticate.ts';
import { ApiError } from '../errors.ts';

export interface DeadLetterRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  /** Sends the work of a letter again. */
  redrive: (id: string, operator: Operator) => Promise<RedriveOutcome>;
}

const isoTime = z.iso.datetime();

const wireLetter = z.object({
  id: z.string(),
  source: z.enum(['sync_operation', 'job']),
  queue: z.string(),
  reason: z.string(),
  attempts: z.int(),
  created_at: isoTime,
  reference: z.record(z.string(), z.union([z.string(), z.number()])),
  redriven_at: isoTime.optional(),
  redriven_by: z.string().optional(),
  redrive_batch_id: z.string().optional(),
  redrive_verdict: z.enum(['applied', 'duplicate', 'conflict', 'rejected', 'retry']).optional(),
});

/** A dead letter as callers see it; `npm run dead-letters -- list --json` prints the same. */
export const letterToWire = ({
  _id,
  created_at,
  redriven_at,
  ...letter
}: DeadLetterView): z.infer<typeof wireLetter> => ({
  id: _id,
  source: letter.source,
  queue: letter.queue,
  reason: letter.reason,
  attempts: letter.attempts,
  created_at: created_at.toISOString(),
  reference: letter.reference,
  redriven_at: redriven_at?.toISOString(),
  redriven_by: letter.redriven_by,
  redrive_batch_id: letter.redrive_batch_id,
  redrive_verdict: letter.redrive_verdict,
});

// The longest of ours, `analytics/backfill-variance-` and a uuid, has 63.
const params = z.object({ id: text(1, 100) });

/** Work that was set aside, for admins: looked at, sent again, dropped (contract 4). */
export async function deadLetterRoutes(
  server: FastifyInstance,
  { database, authenticate, redrive }: DeadLetterRouteDependencies,
): Promise<void> {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const onRequest = authenticate('admin');
  const tags = ['admin'];

  app.get(
    '/api/admin/dead-letters',
    {
      onRequest,
      schema: {
        summary: 'Work that was set aside, the latest first',
        tags,
        querystring: z.object({ limit, cursor }),
        response: {
          200: z.object({
            dead_letters: z.array(wireLetter),
            total: z.int(),
            next_cursor: z.string().optional(),
          }),
        },
      },
    },
    async (request) => {
      const { rows, ...rest } = await listDeadLetters(database, request.query);
      return { dead_letters: rows.map(letterToWire), ...rest };
    },
  );

  app.post(
    '/api/admin/dead-letters/:id/redrive',
    {
      onRequest,
      schema: {
        summary: 'Send the work of a dead letter again',
        tags,
        params,
        response: { 202: z.object({ dead_letter: wireLetter }) },
      },
    },
    async ({ params: { id }, identity }, reply) => {
      const outcome = await redrive(id, { by: identity.user_id, via: 'http' });
      refuse(outcome);
      const letter = await findDeadLetter(database, id);
      if (!letter) throw new ApiError('not_found');
      return reply.code(202).send({ dead_letter: letterToWire(letter) });
    },
  );

  app.delete(
    '/api/admin/dead-letters/:id',
    { onRequest, schema: { summary: 'Drop a dead letter for good', tags, params } },
    async ({ params: { id }, identity }, reply) => {
      const dropped = await dropDeadLetter(database, id, { by: identity.user_id, via: 'http' });
      if (!dropped) throw new ApiError('not_found');
      return reply.code(204).send();
    },
  );
}

function refuse(outcome: RedriveOutcome): void {
  switch (outcome.state) {
    case 'redriven':
    case 'unchanged':
      return;
    case 'unknown':
      throw new ApiError('not_found');
    case 'gone':
      throw new ApiError('not_found', `${outcome.what} ${outcome.remedy}`);
    case 'unreadable':
      throw new ApiError('unsupported_version', UNREADABLE);
    default:
      outcome satisfies never;
  }
}

const UNREADABLE =
  'The job of this letter is none that this build knows. Redrive it with the build that set it aside.';
