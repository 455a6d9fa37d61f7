import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import {
  countUpdatePayload,
  sessionCompletePayload,
  sessionStartPayload,
} from '../../../src/contract/schemas/operations.ts';
import { type JsonSchema, madeFrom, pick, type Random, seeded } from './fuzz-values.ts';
import { type Answer, batchOf, type HttpEngine, httpEngine } from './http-engine.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_302);
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 400);
const LIMIT_MS = 60_000 + REQUESTS * 200;

interface Route {
  method: string;
  path: string;
  parameters: { name: string; in: string; schema: JsonSchema }[];
  body: JsonSchema | undefined;
}

let engine: HttpEngine;
beforeAll(async () => {
  engine = await httpEngine();
});
afterAll(() => engine.drop());

/** Every route with the schemas that it publishes: what is fuzzed is what callers are told. */
async function publishedRoutes(): Promise<Route[]> {
  const { body } = await engine.call('GET', '/openapi.json');
  type Operation = {
    parameters?: Route['parameters'];
    requestBody?: { content: Record<string, { schema: JsonSchema }> };
  };
  return Object.entries(body['paths'] as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        // A header is no part of the URL.
        parameters: parameters.filter((parameter) => parameter.in !== 'header'),
        body: requestBody?.content['application/json']?.schema,
      })),
  );
}

const OPERATIONS = [
  ['session_start', 'session', sessionStartPayload],
  ['count_update', 'count_line', countUpdatePayload],
  ['session_complete', 'session', sessionCompletePayload],
] as const;

/** An upload whose envelope is right most of the time, with operations that are not. */
function fuzzedBatch(random: Random, hostility: number): unknown {
  const items = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
    const [operation, entity_type, payload] = pick(random, OPERATIONS);
    const schema = z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    const item = { operation, entity_type, created_at: 0, payload: madeFrom(schema, random, hostility) };
    const wrong = random() < hostility ? { [pick(random, Object.keys(item))]: madeFrom({}, random, 1) } : {};
    return { id: 1 + Math.floor(random() * 1e9), ...item, ...wrong };
  });
  return batchOf(items, { device_id: pick(random, ['phone-A', 'phone-B', '$where', 'ß']) });
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

async function send(
  route: Route,
  random: Random,
  hostility: number,
): Promise<{ answer: Answer; told: string }> {
  let path = route.path;
  const query = new URLSearchParams();
  for (const parameter of route.parameters) {
    const value = asText(madeFrom(parameter.schema, random, hostility)).toWellFormed();
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (random() < 0.5) query.append(parameter.name, value);
  }
  const url = query.size > 0 ? `${path}?${query}` : path;
  const isUpload = route.method === 'POST' && route.path === '/api/sync/batches';
  const body =
    isUpload && random() < 0.7
      ? fuzzedBatch(random, hostility)
      : route.body && madeFrom(route.body, random, hostility);
  const answer = await engine.call(route.method, url, {
    who: pick(random, ['ana', 'bob']),
    role: pick(random, ['staff', 'supervisor', 'admin', 'admin']),
    ...(body === undefined ? {} : { body }),
    headers: isUpload ? { prefer: 'wait=20' } : {},
  });
  return {
    answer,
    told: `${route.method} ${url.slice(0, 300)} ${JSON.stringify(body ?? null).slice(0, 1000)}`,
  };
}

test(
  `${REQUESTS} requests from the published schemas, seed ${SEED}: no 5xx, nothing stored on 4xx`,
  async () => {
    const random = seeded(SEED);
    const routes = await publishedRoutes();
    const uploads = routes.filter(({ path }) => path === '/api/sync/batches');
    const tally: Record<string, number> = {};
    let before = await engine.stored();
    for (let n = 0; n < REQUESTS; n += 1) {
      const hostility = [0, 0.1, 0.6][n % 3]!;
      const route = n % 2 ? pick(random, routes) : pick(random, uploads);
      const { answer, told } = await send(route, random, hostility);
      const after = await engine.stored();
      tally[answer.status] = (tally[answer.status] ?? 0) + 1;
      expect(answer.status, told).toBeLessThan(500);
      if (answer.status >= 400) {
        expect(after, told).toEqual(before);
        expect(answer.body, told).toMatchObject({
          error_code: expect.any(String),
          detail: expect.any(String),
        });
      }
      before = after;
    }
    console.info(`fuzz: seed ${SEED}, ${REQUESTS} requests, by status ${JSON.stringify(tally)}`);
    expect(Object.keys(tally)).toEqual(expect.arrayContaining(['200', '207', '400', '403', '404']));
    // An operation that made the engine throw would have been set aside, and that is a 5xx in disguise.
    expect(await engine.database.deadLetters.find().toArray()).toEqual([]);
    expect(await engine.database.batches.countDocuments({ state: { $ne: 'applied' } })).toBe(0);
  },
  LIMIT_MS,
);
