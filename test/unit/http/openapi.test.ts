import { pino } from 'pino';
import { Registry } from 'prom-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/contract/error-codes.ts';
import { ROUTE_ANSWERS } from '../../../src/http/openapi.ts';
import { analyticsRoutes } from '../../../src/http/routes/analytics.ts';
import { conflictRoutes } from '../../../src/http/routes/conflicts.ts';
import { deadLetterRoutes } from '../../../src/http/routes/dead-letters.ts';
import { lockRoutes } from '../../../src/http/routes/locks.ts';
import { healthRoutes, operationRoutes } from '../../../src/http/routes/operations.ts';
import { preferenceRoutes } from '../../../src/http/routes/preferences.ts';
import { scheduleRoutes } from '../../../src/http/routes/schedules.ts';
import { sessionRoutes } from '../../../src/http/routes/sessions.ts';
import { syncBatchRoutes } from '../../../src/http/routes/sync-batches.ts';
import { createHttpApp } from '../../../src/http/server.ts';

interface Answer {
  description: string;
  content?: Record<string, { schema: { $ref?: string } }>;
}
interface Operation {
  parameters?: { name: string; in: string }[];
  requestBody?: unknown;
  security?: unknown[];
  responses: Record<string, Answer>;
}

let operations: [name: string, Operation][];
let schemas: Record<string, { properties: Record<string, { enum?: string[] }>; required: string[] }>;

/** Every route of the engine; none is called, so nothing stands behind them. */
beforeAll(async () => {
  const app = await createHttpApp(pino({ level: 'silent' }));
  const nothing = { authenticate: () => async () => {}, schedules: [] } as never;
  for (const routes of [
    analyticsRoutes,
    conflictRoutes,
    deadLetterRoutes,
    lockRoutes,
    operationRoutes,
    preferenceRoutes,
    scheduleRoutes,
    sessionRoutes,
    syncBatchRoutes,
  ]) {
    await routes(app, nothing);
  }
  await healthRoutes(app, {
    checkReadiness: async () => ({}),
    analyticsBlocked: async () => false,
    metrics: new Registry(),
  });
  const { paths, components } = (await app.inject('/openapi.json')).json();
  await app.close();
  schemas = components.schemas;
  operations = Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
});

const operation = (name: string): Operation => new Map(operations).get(name)!;
const statuses = (name: string): string[] => Object.keys(operation(name).responses);

describe('/openapi.json', () => {
  test('has each operation in the table, and no other', () => {
    expect(operations.map(([name]) => name).toSorted()).toEqual(Object.keys(ROUTE_ANSWERS).toSorted());
  });

  test('says each success with a sentence of its own', () => {
    for (const [name, { responses }] of operations) {
      const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
      const named = Object.keys(ROUTE_ANSWERS[name]!.answers).filter((status) => status.startsWith('2'));
      expect(
        successes.map(([status]) => status),
        name,
      ).toEqual(named);
      expect(named.length, name).toBeGreaterThan(0);
      for (const [, { description }] of successes) expect(description, name).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('has 401 where a token is asked for, 403 where a role is, 400 where there is something to send', () => {
    for (const [name, { security, responses, parameters, requestBody }] of operations) {
      const { role } = ROUTE_ANSWERS[name]!;
      expect('401' in responses, name).toBe(security === undefined);
      expect('403' in responses, name).toBe(role === 'supervisor' || role === 'admin');
      expect('400' in responses, name).toBe(Boolean(parameters?.length || requestBody));
    }
  });

  test('gives each error its body', () => {
    for (const [name, { responses }] of operations) {
      for (const [status, { content }] of Object.entries(responses)) {
        if (Number(status) < 400 || name.startsWith('GET /health')) continue;
        const schema = schemas[content!['application/json']!.schema.$ref!.split('/').at(-1)!]!;
        const codes = Object.entries(ERROR_CODES).filter(([, code]) => String(code.status) === status);
        expect(schema.properties['error_code']!.enum).toEqual(codes.map(([code]) => code));
        expect(schema.required).toEqual(['detail', 'error_code', 'timestamp']);
        expect(schema.properties).toHaveProperty('issues');
      }
    }
  });

  test('describes the upload', () => {
    const upload = 'POST /api/sync/batches';
    expect(statuses(upload)).toEqual(['200', '202', '207', '400', '401', '409', '413', '429', '500', '503']);
    expect(operation(upload).parameters).toContainEqual(
      expect.objectContaining({ name: 'Prefer', in: 'header' }),
    );
    expect(operation(upload).responses['207']!.content!['application/json']!.schema.$ref).toBe(
      '#/components/schemas/BatchStatus',
    );
    expect(Object.keys(schemas['BatchStatus']!.properties)).toEqual([
      'batch_id',
      'state',
      'results',
      'server_time',
    ]);
  });

  test.each([
    ['POST /api/locks', ['201', '400', '401', '403', '409', '413', '422', '500', '503']],
    ['DELETE /api/locks/{item_code}', ['204', '400', '401', '403', '404', '409', '500', '503']],
    ['POST /api/analytics/backfill', ['202', '400', '401', '403', '413', '500', '503']],
    ['GET /health/ready', ['200', '500', '503']],
  ])('%s', (name, expected) => {
    expect(statuses(name)).toEqual(expected);
  });
});
