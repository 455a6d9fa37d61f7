import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Database } from '../../db/database.ts';
import type { Authenticate } from '../authenticate.ts';
import { backfillRoutes } from './backfills.ts';
import { varianceRoutes } from './variance.ts';

export interface AnalyticsRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  timezone: string;
  tolerancePercent: number;
  /** Hands a job to the queue; throws when Redis is away. */
  ring: (payload: { v: 1; type: 'backfill-variance'; run_id: string }) => Promise<void>;
}

/** The analytics of the contract, section 4. */
export async function analyticsRoutes(
  instance: FastifyInstance,
  deps: AnalyticsRouteDependencies,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  varianceRoutes(app, deps);
  backfillRoutes(app, deps);
}
