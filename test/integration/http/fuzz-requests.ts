// Requests made from what /openapi.json publishes: what is fuzzed is what callers are told.
import { z } from 'zod';
import {
  countUpdatePayload,
  sessionCompletePayload,
  sessionStartPayload,
} from '../../../src/contract/schemas/operations.ts';
import { JWT_SECRET } from '../../support/engine.ts';
import { bearer, type RawRequest } from './fuzz-engine.ts';
import {
  hostile,
  type JsonSchema,
  type Making,
  madeFrom,
  pick,
  type Random,
  withOneFault,
} from './fuzz-values.ts';
import { onTheWire } from './fuzz-wire.ts';
import { batchOf, sign } from './http-engine.ts';

/** Right by the schema; with one fault; with many; right but for who sends it; broken on the wire. */
export const CLASSES = ['valid', 'near-valid', 'hostile', 'stranger', 'wire'] as const;
export type RequestClass = (typeof CLASSES)[number];

export interface Route {
  method: string;
  path: string;
  parameters: { name: string; in: 'path' | 'query'; required?: boolean; schema: JsonSchema }[];
  body: JsonSchema | undefined;
  /** Whether it asks for a token. */
  isGuarded: boolean;
}

interface PublishedOperation {
  parameters?: { name: string; in: string; required?: boolean; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  security?: unknown[];
}

/** Every route of the document. Headers are no part of what is made here. */
export function routesOf(openapi: { paths: Record<string, Record<string, PublishedOperation>> }): Route[] {
  return Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, security }]) => ({
      method: method.toUpperCase(),
      path,
      parameters: parameters.filter((one) => one.in !== 'header') as Route['parameters'],
      body: requestBody?.content['application/json']?.schema,
      isGuarded: security === undefined || security.length > 0,
    })),
  );
}

type Parts = { inPath: Record<string, unknown>; query: Record<string, unknown>; body: unknown };

const HOSTILITY: Record<RequestClass, number> = {
  valid: 0,
  'near-valid': 0,
  hostile: 0.5,
  stranger: 0,
  wire: 0,
};

/** One request of a class to a route. */
export function requestTo(
  route: Route,
  kind: RequestClass,
  { random, known }: Pick<Making, 'random' | 'known'>,
): RawRequest {
  const making = { random, known, hostility: HOSTILITY[kind] };
  let parts = partsOf(route, making);
  if (kind === 'near-valid') parts = withOneFaultyPart(parts, random);
  const authorization = kind === 'stranger' ? strangeToken(random) : memberToken(random, kind);
  const plain = asRequest(route, parts, authorization);
  return kind === 'wire' ? onTheWire(plain, random) : plain;
}

function partsOf(route: Route, making: Making): Parts {
  const { random } = making;
  const of = (place: 'path' | 'query') =>
    Object.fromEntries(
      route.parameters
        .filter((one) => one.in === place && (place === 'path' || one.required === true || random() < 0.4))
        .map(({ name, schema }) => [name, madeFrom(schema, making, name)]),
    );
  const isUpload = route.method === 'POST' && route.path === '/api/sync/batches';
  const body = isUpload && random() < 0.9 ? upload(making) : route.body && madeFrom(route.body, making);
  return { inPath: of('path'), query: of('query'), body };
}

const OPERATIONS = [
  ['session_start', 'session', sessionStartPayload],
  ['count_update', 'count_line', countUpdatePayload],
  ['count_update', 'count_line', countUpdatePayload],
  ['session_complete', 'session', sessionCompletePayload],
] as const;

/** An upload whose envelope is right, with operations that are as hostile as was asked for. */
function upload(making: Making): unknown {
  const { random, hostility } = making;
  const items = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
    const [operation, entity_type, payload] = pick(random, OPERATIONS);
    const schema = z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    const item = { operation, entity_type, created_at: 0, payload: madeFrom(schema, making) };
    const wrong = random() < hostility ? { [pick(random, Object.keys(item))]: hostile(random) } : {};
    return { id: 1 + Math.floor(random() * 1e9), ...item, ...wrong };
  });
  return batchOf(items, { device_id: pick(random, ['phone-A', 'phone-B', '$where', 'ß']) });
}

function withOneFaultyPart(parts: Parts, random: Random): Parts {
  const { inPath, query, body } = parts;
  const filled = [
    ...(Object.keys(inPath).length > 0 ? ['inPath' as const] : []),
    ...(body === undefined ? ['query' as const] : ['body' as const, 'body' as const]),
  ];
  switch (pick(random, filled)) {
    case 'inPath': {
      const name = pick(random, Object.keys(inPath));
      return { ...parts, inPath: { ...inPath, [name]: hostile(random) } };
    }
    case 'query':
      return { ...parts, query: withOneFault({ limit: 5, ...query }, random) as Parts['query'] };
    case 'body':
      return { ...parts, body: withOneFault(body, random) };
  }
}

const memberToken = (random: Random, kind: RequestClass): string => {
  const often = kind === 'valid' ? 'admin' : 'supervisor';
  return bearer(pick(random, ['ana', 'bob', 'sue']), pick(random, ['admin', 'supervisor', 'staff', often]));
};

/** A token that nobody may enter with; undefined for none. */
function strangeToken(random: Random): string | undefined {
  const secret = JWT_SECRET;
  const claims = { sub: 'ana', role: 'admin' };
  return pick(random, [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic YW5hOmFuYQ==',
    'Bearer a.b.c',
    `Bearer ${'x'.repeat(5_000)}`,
    `Bearer ${sign(claims, { alg: 'none' })}`,
    `Bearer ${sign(claims, { secret: 'another-secret-of-32-characters-or-so' })}`,
    `Bearer ${sign({ ...claims, exp: 1 }, { secret })}`,
    `Bearer ${sign({ ...claims, exp: undefined }, { secret })}`,
    `Bearer ${sign({ ...claims, type: 'refresh' }, { secret })}`,
    `Bearer ${sign({ ...claims, role: 'root' }, { secret })}`,
    `Bearer ${sign({ ...claims, sub: 'system' }, { secret })}`,
    `Bearer ${sign({ ...claims, sub: { $gt: '' } }, { secret })}`,
  ]);
}

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : String(JSON.stringify(value));

function asRequest(
  route: Route,
  { inPath, query, body }: Parts,
  authorization: string | undefined,
): RawRequest {
  const coded = (value: unknown) => encodeURIComponent(asText(value).toWellFormed());
  let path = route.path;
  for (const [name, value] of Object.entries(inPath)) path = path.replace(`{${name}}`, () => coded(value));
  const pairs = Object.entries(query).map(([name, value]) => `${coded(name)}=${coded(value)}`);
  return {
    method: route.method,
    path: pairs.length > 0 ? `${path}?${pairs.join('&')}` : path,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}
