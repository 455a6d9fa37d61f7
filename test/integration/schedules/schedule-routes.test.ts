import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { ApiError } from '../../../src/http/errors.ts';
import { scheduleRoutes } from '../../../src/http/routes/schedules.ts';
import type { JobPayload } from '../../../src/queues/definitions.ts';
import { triggerSchedule } from '../../../src/queues/scheduler.ts';
import { engineSchedules } from '../../../src/queues/schedules.ts';

let database: Database;
let app: FastifyInstance;
const rings: JobPayload[] = [];
const asked: string[] = [];

beforeAll(async () => {
  database = await connectDatabase({ url: inject('mongoUrl'), dbName: `schedules_${randomUUID()}` });
  await ensureSchema(database);
  const schedules = engineSchedules({ nightlyCron: '30 0 * * *', timezone: 'Asia/Kathmandu' });
  const dependencies = {
    database,
    schedules,
    ring: async (payload: JobPayload) => {
      rings.push(payload);
    },
    now: () => readServerTime(database),
    host: 'api',
    onError: () => {},
  };
  app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error: Error & { validation?: unknown }, _request, reply) =>
    reply.code(error instanceof ApiError ? error.status : error.validation ? 400 : 500).send({}),
  );
  await app.register(scheduleRoutes, {
    database,
    schedules,
    authenticate: (needed) => async () => {
      asked.push(needed);
    },
    trigger: (name) => triggerSchedule(dependencies, schedules.find((each) => each.name === name)!),
  });
});
afterAll(async () => {
  await app.close();
  await database.db.dropDatabase();
  await database.client.close();
});

const call = async (method: 'GET' | 'POST', url: string) => {
  const response = await app.inject({ method, url });
  return { status: response.statusCode, body: response.json() };
};

test('the schedules are shown with their next time', async () => {
  const { status, body } = await call('GET', '/api/admin/schedules');
  expect(status).toBe(200);
  expect(body.total).toBe(1);
  expect(body.schedules[0]).toMatchObject({
    name: 'roll-up-variance',
    cron: '30 0 * * *',
    timezone: 'Asia/Kathmandu',
    missed: 'all',
    paused: false,
    runs: [],
  });
  expect(body.schedules[0].next_at).toMatch(/T18:45:00\.000Z$/);
});

test('one is paused, resumed and triggered', async () => {
  const path = '/api/admin/schedules/roll-up-variance';
  expect((await call('POST', `${path}/pause`)).body).toMatchObject({ paused: true });
  expect((await call('POST', `${path}/resume`)).body).toMatchObject({ paused: false });
  const { body } = await call('POST', `${path}/trigger`);
  expect(body.runs).toMatchObject([{ state: 'claimed', backfilled: false, host: 'api' }]);
  expect(rings).toMatchObject([{ type: 'roll-up-variance', scheduled_for: body.runs[0].scheduled_for }]);
});

test('what does not exist is refused, and admins are asked for', async () => {
  expect((await call('POST', '/api/admin/schedules/nothing/pause')).status).toBe(404);
  expect((await call('POST', '/api/admin/schedules/roll-up-variance/delete')).status).toBe(400);
  expect(new Set(asked)).toEqual(new Set(['admin']));
});
