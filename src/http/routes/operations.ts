import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import { cursor, limit } from '../../contract/schemas/fields.ts';
import type { WebSocketConnection } from '../../contract/schemas/web-socket-connection.ts';
import type { Database } from '../../db/database.ts';
import { decodeCursor, encodeCursor } from '../../db/page.ts';
import { listDevices } from '../../db/sync/devices.ts';
import type { Authenticate } from '../authenticate.ts';

/** Whether each dependency answers. */
export type Readiness = Record<string, boolean>;

export interface HealthDependencies {
  checkReadiness: () => Promise<Readiness>;
  /** Whether roll-ups wait for `backfill --reprocess all` after a change of zone or tolerance. */
  analyticsBlocked: () => Promise<boolean>;
  metrics: Registry;
}

/** `/health/live`, `/health/ready` and `/metrics`: cheap, without authentication, in every process. */
export async function healthRoutes(app: FastifyInstance, deps: HealthDependencies): Promise<void> {
  app.get(
    '/health/live',
    { schema: { summary: 'This process runs', tags: ['health'], security: [] } },
    async () => ({
      status: 'ok',
    }),
  );

  app.get(
    '/health/ready',
    { schema: { summary: 'This process can work', tags: ['health'], security: [] } },
    async (_request, reply) => {
      const checks = await deps.checkReadiness();
      const ready = Object.values(checks).every(Boolean);
      if (!ready) return reply.code(503).send({ status: 'unavailable', checks });
      // Said, but no reason to take the process out of service: counts are still taken and applied.
      const analytics = (await deps.analyticsBlocked()) ? 'settings_changed' : 'ok';
      return reply.send({ status: 'ok', checks, analytics });
    },
  );

  app.get(
    '/metrics',
    { schema: { summary: 'Prometheus metrics', tags: ['health'], security: [] } },
    async (_request, reply) => reply.type(deps.metrics.contentType).send(await deps.metrics.metrics()),
  );
}

export interface OperationDependencies {
  database: Database;
  authenticate: Authenticate;
  connections: () => WebSocketConnection[];
}

/** What supervisors and admins look at to see who is there (contract 4). */
export async function operationRoutes(instance: FastifyInstance, deps: OperationDependencies): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/devices',
    {
      onRequest: deps.authenticate('supervisor'),
      schema: { summary: 'Devices by id', tags: ['devices'], querystring: z.object({ limit, cursor }) },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = cursor === undefined ? undefined : (decodeCursor(cursor, ['string'])[0] as string);
      const { devices, total } = await listDevices(deps.database, { limit: limit + 1, after });
      const page = devices.slice(0, limit);
      return {
        devices: page.map(({ _id, received_seq: _seq, ...device }) => ({ device_id: _id, ...device })),
        total,
        ...(devices.length > limit ? { next_cursor: encodeCursor([page.at(-1)!._id]) } : {}),
      };
    },
  );

  app.get(
    '/api/admin/realtime/connections',
    {
      onRequest: deps.authenticate('admin'),
      schema: { summary: 'Live connections of this process', tags: ['admin'] },
    },
    async () => {
      const connections = deps.connections();
      return { connections, total: connections.length };
    },
  );
}
