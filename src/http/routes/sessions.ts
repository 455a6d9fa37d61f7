import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Identity } from '../../contract/identity.ts';
import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import { cursor, limit, text, time } from '../../contract/schemas/fields.ts';
import type { Database } from '../../db/database.ts';
import { findSession, listLines, listSessions, streamLines } from '../../db/sessions/sessions.ts';
import { type Actor, person } from '../../domain/events/actor.ts';
import type { Authenticate } from '../authenticate.ts';
import { csvRow } from '../csv.ts';
import { ApiError } from '../errors.ts';

export interface SessionRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  voidLine: (
    target: { session_id: string; line_id: string; reason: string },
    actor: Actor,
  ) => Promise<CountLine | null>;
}

const params = z.object({ session_id: text(1, 100) });
const tags = ['sessions'];

// In a query everything is text, also Unix time.
const queryTime = z.preprocess((value) => (isDigits(value) ? Number(value) : value), time);
const isDigits = (value: unknown): boolean => typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);

/** Sessions and their lines (contract 4). */
export async function sessionRoutes(
  instance: FastifyInstance,
  deps: SessionRouteDependencies,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const staff = deps.authenticate('staff');

  app.get(
    '/api/sessions',
    {
      onRequest: staff,
      schema: {
        tags,
        summary: 'Sessions by id',
        querystring: z.object({
          status: z.enum(['OPEN', 'CLOSED']).optional(),
          sync_status: z.enum(['synced', 'pending', 'conflict']).optional(),
          limit,
          cursor,
        }),
      },
    },
    async (request) => {
      const { limit, cursor, ...wanted } = request.query;
      const { rows, ...page } = await listSessions(deps.database, wanted, { limit, cursor });
      return { sessions: rows, ...page };
    },
  );

  app.get(
    '/api/sessions/:session_id',
    { onRequest: staff, schema: { tags, params, summary: 'One session' } },
    async (request) => requireSession(deps.database, request.params.session_id),
  );

  app.get(
    '/api/sessions/:session_id/lines',
    {
      onRequest: staff,
      schema: {
        tags,
        params,
        summary: 'The lines of a session by item and location',
        querystring: z.object({
          item_code: text(1, 100).optional(),
          updated_since: queryTime.optional(),
          limit,
          cursor,
        }),
      },
    },
    async (request) => {
      const session = await requireSession(deps.database, request.params.session_id);
      const { limit, cursor, ...wanted } = request.query;
      const { rows, ...page } = await listLines(deps.database, session.session_id, wanted, { limit, cursor });
      return { lines: rows.map((line) => visibleLine(line, session, request.identity)), ...page };
    },
  );

  app.post(
    '/api/sessions/:session_id/lines/:line_id/void',
    {
      onRequest: deps.authenticate('supervisor'),
      schema: {
        tags,
        params: params.extend({ line_id: z.uuid() }),
        body: z.object({ reason: text(1, 1000) }),
        summary: 'Void a line: it counts nowhere any more',
      },
    },
    async (request) => {
      const { user_id, role } = request.identity;
      const line = await deps.voidLine({ ...request.params, ...request.body }, person(user_id, role));
      if (!line) throw new ApiError('not_found');
      return { line };
    },
  );

  app.get(
    '/api/sessions/:session_id/report.csv',
    { onRequest: staff, schema: { tags, params, summary: 'All lines of a session as CSV' } },
    async (request, reply) => {
      const session = await requireSession(deps.database, request.params.session_id);
      reply
        .type('text/csv; charset=utf-8')
        .header('Content-Disposition', 'attachment; filename="report.csv"');
      return reply.send(Readable.from(reportRows(deps.database, session, request.identity)));
    },
  );
}

async function requireSession(database: Database, sessionId: string): Promise<CountSession> {
  const session = await findSession(database, sessionId);
  if (!session) throw new ApiError('not_found');
  return session;
}

/** In a BLIND session staff see no book, no variance and no count of somebody else (contract 4). */
function visibleLine(line: CountLine, session: CountSession, reader: Identity): Partial<CountLine> {
  if (session.type !== 'BLIND' || reader.role !== 'staff') return line;
  const { erp_qty: _e, erp_qty_source: _s, variance: _v, variance_value: _w, counted_qty, ...visible } = line;
  return line.counted_by === reader.user_id ? { ...visible, counted_qty } : visible;
}

const REPORT_COLUMNS = [
  'item_code',
  'location',
  'counted_qty',
  'erp_qty',
  'variance',
  'variance_value',
  'variance_reason',
  'category',
  'counted_by',
  'counted_at',
  'version',
  'voided_at',
] as const satisfies readonly (keyof CountLine)[];

async function* reportRows(
  database: Database,
  session: CountSession,
  reader: Identity,
): AsyncGenerator<string> {
  yield csvRow(REPORT_COLUMNS);
  for await (const line of streamLines(database, session.session_id)) {
    const visible = visibleLine(line, session, reader);
    yield csvRow(REPORT_COLUMNS.map((column) => visible[column]));
  }
}
