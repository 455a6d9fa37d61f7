import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { preferencesPatch } from '../../contract/schemas/user-preferences.ts';
import type { Database } from '../../db/database.ts';
import { changePreferences, readPreferences } from '../../db/user-preferences.ts';
import type { Authenticate } from '../authenticate.ts';

/** Everybody's own preferences, made with the defaults at first access (contract 4). */
export async function preferenceRoutes(
  instance: FastifyInstance,
  deps: { database: Database; authenticate: Authenticate },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const onRequest = deps.authenticate('staff');
  const tags = ['preferences'];

  app.get(
    '/api/users/me/preferences',
    { onRequest, schema: { tags, summary: 'My preferences' } },
    async (request) => readPreferences(deps.database, request.identity.user_id),
  );

  app.patch(
    '/api/users/me/preferences',
    { onRequest, schema: { tags, body: preferencesPatch, summary: 'Change my preferences' } },
    async (request) => changePreferences(deps.database, request.identity.user_id, request.body),
  );
}
