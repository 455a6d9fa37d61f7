// The HTTP app with every route of the sync side on a real database; uploads are drained in this process.
import { createHmac, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { authenticator } from '../../../src/http/authenticate.ts';
import { conflictRoutes } from '../../../src/http/routes/conflicts.ts';
import { deadLetterRoutes } from '../../../src/http/routes/dead-letters.ts';
import { lockRoutes } from '../../../src/http/routes/locks.ts';
import { healthRoutes, operationRoutes } from '../../../src/http/routes/operations.ts';
import { preferenceRoutes } from '../../../src/http/routes/preferences.ts';
import { sessionRoutes } from '../../../src/http/routes/sessions.ts';
import { syncBatchRoutes } from '../../../src/http/routes/sync-batches.ts';
import { createHttpApp, type HttpApp } from '../../../src/http/server.ts';
import { claimConflict } from '../../../src/jobs/claim-conflict.ts';
import { redriveDeadLetter } from '../../../src/jobs/redrive-dead-letter.ts';
import { resolveConflict } from '../../../src/jobs/resolve-conflict.ts';
import { voidLine } from '../../../src/jobs/void-line.ts';
import { tokenVerifier } from '../../../src/runtime/verify-token.ts';
import { type SyncEngine, syncEngine } from '../sync/sync-engine.ts';

export const SECRET = 'a-secret-of-at-least-32-characters';

export interface CallOptions {
  role?: string;
  who?: string;
  token?: string | null;
  body?: unknown;
  /** The body as it is, instead of `body` in JSON. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  // What a route answers is what the tests are about.
  body: Record<string, unknown>;
}

export interface HttpEngine extends SyncEngine {
  app: HttpApp;
  routes: Set<string>;
  /** What the upload limiter says next. */
  limit: { retryAfter: number | undefined };
  /** Whether uploads are drained as soon as they are rung for. */
  draining: { on: boolean };
  call(method: string, url: string, options?: CallOptions): Promise<Answer>;
  /** Documents per collection that a request may have made. */
  stored(): Promise<Record<string, number>>;
}

export async function httpEngine(): Promise<HttpEngine> {
  const engine = await syncEngine();
  const { database } = engine;
  const { timezone } = engine.dependencies;
  const limit: HttpEngine['limit'] = { retryAfter: undefined };
  const draining = { on: true };
  const drained = new Map<string, Promise<void>>();
  const app = await createHttpApp(pino({ level: 'silent' }));
  const routes = new Set<string>();
  app.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) if (name !== 'HEAD') routes.add(`${name} ${url}`);
  });
  const authenticate = authenticator(tokenVerifier(SECRET));
  const shared = { database, authenticate };
  const notifyOutbox = (): void => {};
  const ringAt = async (): Promise<void> => {};
  await syncBatchRoutes(app, {
    ...shared,
    ringDevice: async (deviceId) => {
      if (!draining.on) return;
      const before = drained.get(deviceId) ?? Promise.resolve();
      drained.set(
        deviceId,
        before.then(() => engine.drain(deviceId)),
      );
    },
    // Drained by this very process: a moment is enough, and the route looks by itself.
    waitForBatch: (_batchId, ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5))),
    takeUpload: async () => limit.retryAfter,
    stopping: new AbortController().signal,
  });
  await conflictRoutes(app, {
    ...shared,
    resolveConflict: (id, request, actor) =>
      resolveConflict({ database, timezone, notifyOutbox }, id, request, actor),
    claimConflict: (id, actor) => claimConflict({ database, notifyOutbox, ringAt }, id, actor),
  });
  await sessionRoutes(app, {
    ...shared,
    voidLine: (target, actor) => voidLine({ database, timezone, notifyOutbox }, target, actor),
  });
  await lockRoutes(app, { ...shared, notifyOutbox, ringAt });
  await deadLetterRoutes(app, {
    ...shared,
    redrive: (id, operator) => redriveDeadLetter({ database, ring: async () => {} }, id, operator),
  });
  await preferenceRoutes(app, shared);
  await operationRoutes(app, { ...shared, connections: () => [] });
  await healthRoutes(app, {
    checkReadiness: async () => ({ mongodb: true }),
    analyticsBlocked: async () => false,
    metrics: new Registry(),
  });
  await app.ready();

  return {
    ...engine,
    app,
    routes,
    limit,
    draining,
    call: async (method, url, options = {}) => {
      const { role = 'staff', who = 'ana', token = sign({ sub: who, role }), body, raw, headers } = options;
      const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const response = await app.inject({
        method: method as 'GET',
        url,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(payload === undefined ? {} : { payload }),
      });
      const isJson = String(response.headers['content-type']).startsWith('application/json');
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.body,
        body: isJson ? response.json() : {},
      };
    },
    stored: async () => {
      await Promise.all(drained.values());
      const { batches, devices, sessions, lines, conflicts, locks, preferences, operations, outbox } =
        database;
      const all = { batches, devices, sessions, lines, conflicts, locks, preferences, operations, outbox };
      const counts = Object.entries(all).map(async ([name, collection]) => [
        name,
        await collection.countDocuments({}),
      ]);
      return Object.fromEntries(await Promise.all(counts));
    },
    drop: async () => {
      await Promise.all(drained.values());
      await app.close();
      await engine.drop();
    },
  };
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token by hand, so that wrong ones can be made, too. */
export function sign(claims: object, options: { alg?: string; secret?: string } = {}): string {
  const { alg = 'HS256', secret = SECRET } = options;
  const exp = Math.floor(Date.now() / 1000) + 300;
  const text = `${base64url({ alg })}.${base64url({ exp, ...claims })}`;
  if (alg === 'none') return `${text}.`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** An upload of these items from phone A. */
export const batchOf = (items: readonly unknown[], over: Record<string, unknown> = {}) => ({
  batch_id: randomUUID(),
  device_id: 'phone-A',
  queue_epoch: 'e1',
  sent_at: Date.now(),
  items,
  ...over,
});
