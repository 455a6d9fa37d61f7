// The engine's API in a process of its own, which nothing else works beside: what is stored, a request stored.
import { createHash, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { type EngineProcess, engineEnvironment, JWT_SECRET, spawnEngine } from '../../support/engine.ts';
import { freshRedisPrefix } from '../../support/test-database.ts';
import { type SyncEngine, syncEngine } from '../sync/sync-engine.ts';
import { batchOf, sign } from './http-engine.ts';

export interface RawRequest {
  method: string;
  /** As it goes over the wire. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface RawAnswer {
  status: number;
  contentType: string;
  text: string;
}

/** What is stored, by the name of the field that points at it. */
export type Known = Record<string, (string | number)[]>;

export interface FuzzEngine {
  process: EngineProcess;
  sync: SyncEngine;
  send(sent: RawRequest): Promise<RawAnswer>;
  /** Empties everything and stores one of each kind. */
  reset(): Promise<Known>;
  /** Applies what was uploaded, in this process. */
  applyAll(): Promise<void>;
  /** The same as long as no document of any collection changed. */
  stamp(): Promise<string>;
  drop(): Promise<void>;
}

export const bearer = (who: string, role: string): string =>
  `Bearer ${sign({ sub: who, role }, { secret: JWT_SECRET })}`;

export async function fuzzEngine(): Promise<FuzzEngine> {
  const sync = await syncEngine();
  const { db } = sync.database;
  const url = new URL(inject('mongoUrl'));
  url.pathname = `/${db.databaseName}`;
  const prefix = freshRedisPrefix();
  const redis = new Redis(inject('redisUrl'));
  // No worker and no scheduler: between two requests nothing is written.
  const environment = engineEnvironment({ url: url.href }, prefix, {
    ENGINE_ROLES: 'api,relay',
  });
  const engine = await spawnEngine(environment);
  const agent = new Agent({ keepAlive: true });
  const collections = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  const send = (sent: RawRequest) => exchange(agent, engine.url, sent);
  const applyAll = async (): Promise<void> => {
    const devices = await sync.database.batches.distinct('device_id', { state: { $ne: 'applied' } });
    for (const device of devices) await sync.drain(device);
  };
  return {
    process: engine,
    sync,
    send,
    applyAll,
    reset: async () => {
      const emptied = collections.filter((name) => name !== sync.database.settings.collectionName);
      await Promise.all(emptied.map((name) => db.collection(name).deleteMany({})));
      // The limit of uploads a minute is not what is looked for here.
      const counters = await redis.keys(`${prefix}:uploads:*`);
      if (counters.length > 0) await redis.del(counters);
      return store({ sync, send, applyAll });
    },
    stamp: async () => {
      // The TTL index takes rows of item_locks by itself; what a request does to one is in the history, too.
      const [first, ...others] = collections.filter((name) => name !== sync.database.locks.collectionName);
      const pages = await db
        .collection(first!)
        .aggregate(
          others.map((coll) => ({ $unionWith: { coll } })),
          { raw: true },
        )
        .toArray();
      // In no order that is promised.
      const digests = pages.map((page) =>
        createHash('sha1')
          .update(page as Buffer)
          .digest('base64'),
      );
      return createHash('sha1').update(digests.toSorted().join()).digest('base64');
    },
    drop: async () => {
      agent.destroy();
      redis.disconnect();
      await engine.end('SIGTERM');
      await sync.drop();
    },
  };
}

function exchange(agent: Agent, url: string, { method, path, headers = {}, body }: RawRequest) {
  return new Promise<RawAnswer>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    // Node leaves a body of HEAD or DELETE without its length, and it would be read as the next request.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const all = { ...headers, ...length };
    const sent = request({ agent, hostname, port, method, path, headers: all }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode!,
          contentType: String(answer.headers['content-type'] ?? ''),
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sessions of each kind, lines, a conflict with its lock, a manual lock, a backfill, a dead letter. */
async function store({
  sync,
  send,
  applyAll,
}: Pick<FuzzEngine, 'sync' | 'send' | 'applyAll'>): Promise<Known> {
  const now = Date.now();
  const op = (id: number, operation: string, payload: object) => {
    const entity_type = operation === 'count_update' ? 'count_line' : 'session';
    return { id, operation, entity_type, created_at: now, payload };
  };
  const start = (id: number, session_id: string, type: string) =>
    op(id, 'session_start', { session_id, warehouse: 'North', type, started_at: now });
  const count = (id: number, session_id: string, item_code: string, counted_qty: number) =>
    op(id, 'count_update', { session_id, item_code, counted_qty, counted_at: now });
  const post = async (path: string, who: string, body: object): Promise<Record<string, string>> => {
    const headers = { authorization: bearer(who, 'admin'), 'content-type': 'application/json' };
    const answer = await send({ method: 'POST', path, headers, body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text) as Record<string, string>;
  };
  const first = [start(1, 'S-1', 'STANDARD'), start(2, 'S-2', 'BLIND')];
  const lines = [count(3, 'S-1', 'bolt', 5), count(4, 'S-2', 'bolt', 6), count(5, 'S-1', 'nut', 1)];
  const batch = batchOf([...first, ...lines]);
  await post('/api/sync/batches', 'ana', batch);
  await applyAll();
  const other = batchOf([count(1, 'S-1', 'bolt', 7), count(2, 'S-2', 'bolt', 8)], { device_id: 'phone-B' });
  await post('/api/sync/batches', 'bob', other);
  await applyAll();
  await post('/api/locks', 'sue', { item_code: 'nut', session_id: 'S-1', reason: 'manual' });
  const backfill = { from: '2026-01-01', to: '2026-01-02' };
  const { run_id } = await post('/api/analytics/backfill', 'sue', backfill);
  const { conflicts, deadLetters, lines: stored } = sync.database;
  const letter = { source: 'job' as const, queue: 'locks', reason: 'it ended', attempts: 3 };
  const dead = ['locks/1', randomUUID()];
  const reference = { v: 1, type: 'end-due-locks' };
  for (const _id of dead) {
    await deadLetters.insertOne({ _id, ...letter, created_at: new Date(now), reference });
  }
  return {
    session_id: ['S-1', 'S-2'],
    item_code: ['bolt', 'nut'],
    batch_id: [batch.batch_id, other.batch_id],
    conflict_id: (await conflicts.find().toArray()).map(({ conflict_id }) => conflict_id),
    line_id: (await stored.find().toArray()).map(({ id }) => id),
    run_id: [run_id!],
    name: ['roll-up-variance'],
    fence: [1],
    server_version: [1],
    id: dead,
    letter_id: dead,
    dead_letter_id: dead,
  };
}
