import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { lockHistory } from '../../../src/db/locks/list-locks.ts';
import { encodeCursor, InvalidCursor } from '../../../src/db/page.ts';
import { authenticator } from '../../../src/http/authenticate.ts';
import { ApiError } from '../../../src/http/errors.ts';
import { lockRoutes } from '../../../src/http/routes/locks.ts';
import { tokenVerifier } from '../../../src/runtime/verify-token.ts';
import { dropDatabase, lockDatabase, take } from './lock-database.ts';

const SECRET = 'a-secret-of-at-least-32-characters';

let database: Database;
let app: FastifyInstance;
const rings: Date[] = [];

beforeAll(async () => {
  database = await lockDatabase();
  app = Fastify({ routerOptions: { maxParamLength: 1000 } });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error: Error & { validation?: unknown }, _request, reply) => {
    if (error instanceof ApiError) {
      return reply.code(error.status).send({ error_code: error.code, ...error.options.body });
    }
    return reply.code(error.validation ? 400 : 500).send({ error_code: 'invalid_request' });
  });
  lockRoutes(app, {
    database,
    authenticate: authenticator(tokenVerifier(SECRET)),
    notifyOutbox: () => {},
    ringAt: async (at) => {
      rings.push(at);
      throw new Error('Redis is away');
    },
  });
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await dropDatabase(database);
});

async function call(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  { who = 'mira', role = 'supervisor', body }: { who?: string; role?: string; body?: object } = {},
) {
  const token = await new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(who)
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(SECRET));
  const response = await app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${token}` },
    ...(body ? { payload: body } : {}),
  });
  return { status: response.statusCode, body: response.body === '' ? null : response.json() };
}

const manual = (item_code: string, over: object = {}) => ({
  item_code,
  session_id: 'S-1',
  reason: 'manual',
  ...over,
});

test('a lock is taken, shown, renewed, released and remembered', async () => {
  const taken = await call('POST', '/api/locks', { body: manual('a/b c') });
  expect(taken.status).toBe(201);
  const { lock } = taken.body;
  expect(Object.keys(lock).toSorted()).toEqual([
    'expires_at',
    'fence',
    'item_code',
    'lock_id',
    'locked_at',
    'locked_by',
    'reason',
    'session_id',
  ]);
  expect(lock).toMatchObject({ item_code: 'a/b c', locked_by: 'mira', fence: 1 });
  expect(Date.parse(lock.expires_at) - Date.parse(lock.locked_at)).toBe(900_000);
  expect(rings.at(-1)!.toISOString()).toBe(lock.expires_at);

  const again = await call('POST', '/api/locks', { body: manual('a/b c') });
  expect(again).toEqual({ status: 409, body: { error_code: 'item_locked', lock } });

  const path = '/api/locks/a%2Fb%20c';
  const renewed = await call('POST', `${path}/renew`, { body: { fence: 1, ttl_seconds: 60 } });
  expect(renewed.status).toBe(200);
  expect((await call('GET', '/api/locks?session_id=S-1')).body).toEqual({
    locks: [renewed.body.lock],
    total: 1,
  });
  expect(await call('DELETE', `${path}?fence=1`)).toEqual({ status: 204, body: null });
  const history = (await call('GET', `${path}/history`)).body;
  expect(history.total).toBe(3);
  expect(history.history.map((entry: { event: string }) => entry.event)).toEqual([
    'created',
    'renewed',
    'released',
  ]);
});

test('a history cursor that no history gave out is refused, not answered with the first page', async () => {
  await take(database, 'paged', 'mira');
  const foreign = encodeCursor([Date.now(), 'no entry of ours']);
  for (const cursor of [foreign, 'nonsense']) {
    await expect(lockHistory(database, { item_code: 'paged', limit: 5, cursor })).rejects.toThrow(
      InvalidCursor,
    );
  }
});

describe('what is refused', () => {
  test.each([
    ['over 900 s', manual('x', { ttl_seconds: 901 }), 422, 'lock_too_long'],
    ['no life', manual('x', { ttl_seconds: 0 }), 400, 'invalid_request'],
    ['half a second', manual('x', { ttl_seconds: 1.5 }), 400, 'invalid_request'],
    ['a text for a number', manual('x', { ttl_seconds: '60' }), 400, 'invalid_request'],
    ['another reason', manual('x', { reason: 'offline_sync' }), 400, 'invalid_request'],
    ['no item', { session_id: 'S', reason: 'manual' }, 400, 'invalid_request'],
    ['an empty item', manual(' '), 400, 'invalid_request'],
    ['an operator', manual('x', { item_code: { $gt: '' } }), 400, 'invalid_request'],
    ['101 characters', manual('x'.repeat(101)), 400, 'invalid_request'],
  ])('%s: %j', async (_name, body, status, code) => {
    expect(await call('POST', '/api/locks', { body })).toEqual({ status, body: { error_code: code } });
    expect(await database.locks.countDocuments({ item_code: 'x' })).toBe(0);
  });

  test('an old fence, another person, a free item', async () => {
    await take(database, 'mine', 'mira');
    const lost = { status: 409, body: { error_code: 'lock_lost' } };
    expect(await call('DELETE', '/api/locks/mine?fence=7')).toEqual(lost);
    expect(await call('DELETE', '/api/locks/mine?fence=1', { who: 'omar' })).toEqual(lost);
    expect(await call('POST', '/api/locks/mine/renew', { who: 'omar', body: { fence: 1 } })).toEqual(lost);
    expect(await call('POST', '/api/locks/nobody/renew', { body: { fence: 1 } })).toEqual(lost);
    expect(
      (await call('POST', '/api/locks/mine/renew', { body: { fence: 1, ttl_seconds: 901 } })).status,
    ).toBe(422);
  });

  test('a release without a fence, and one with nonsense', async () => {
    for (const query of ['', '?fence=', '?fence=abc', '?fence=-1', '?force=maybe', '?force=false']) {
      expect((await call('DELETE', `/api/locks/mine${query}`)).status, query).toBe(400);
    }
    expect((await call('DELETE', `/api/locks/${'x'.repeat(101)}?fence=1`)).status).toBe(400);
  });

  test('staff, and nobody', async () => {
    expect((await call('GET', '/api/locks', { role: 'staff' })).status).toBe(403);
    expect((await app.inject({ method: 'GET', url: '/api/locks' })).statusCode).toBe(401);
  });
});

test('only an admin forces, and only what is there', async () => {
  await take(database, 'forced', 'mira');
  expect((await call('DELETE', '/api/locks/forced?force=true')).status).toBe(403);
  expect((await call('DELETE', '/api/locks/forced?force=true', { role: 'admin' })).status).toBe(204);
  expect((await call('DELETE', '/api/locks/forced?force=true', { role: 'admin' })).status).toBe(404);
});

test('50 supervisors ask for one item over HTTP: one gets it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => call('POST', '/api/locks', { who: `s${n}`, body: manual('rush') })),
  );
  const statuses = answers.map((answer) => answer.status).toSorted();
  expect(statuses).toEqual([201, ...Array.from({ length: 49 }, () => 409)]);
});
