import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../contract/error-codes.ts';
import { conflictType, resolution } from '../contract/schemas/sync-conflict.ts';
import type { BatchState, RejectionCode, RetryCode, Role, Verdict } from '../contract/wire-types.ts';

interface RouteAnswers {
  /** The least role; nobody where no token is asked for. */
  role?: Role;
  /** What each status other than an error's says. */
  answers: Readonly<Record<number, string>>;
  /** The codes of this route alone; those that any route of its kind can answer are added. */
  errors?: readonly ErrorCode[];
}

/** What each route answers (contract 4). The description in /openapi.json is made from this table. */
export const ROUTE_ANSWERS: Readonly<Record<string, RouteAnswers>> = {
  'GET /health/live': { answers: { 200: 'The process runs.' } },
  'GET /health/ready': {
    answers: { 200: 'The process can work.', 503: 'A dependency is away; `checks` says which.' },
  },
  'GET /metrics': { answers: { 200: 'Metrics as Prometheus text.' } },

  'POST /api/sync/batches': {
    role: 'staff',
    answers: {
      200: 'The batch is applied: each verdict is `applied` or `duplicate`.',
      202: 'The batch is stored and will be applied; ask for its verdicts later.',
      207: 'The batch is applied: at least one verdict is neither `applied` nor `duplicate`.',
    },
    errors: ['unsupported_version', 'batch_id_reused', 'batch_too_large', 'rate_limited'],
  },
  'GET /api/sync/batches/{batch_id}': {
    role: 'staff',
    answers: { 200: 'The verdicts that are committed so far.' },
    errors: ['not_found'],
  },

  'GET /api/sessions': { role: 'staff', answers: { 200: 'A page of sessions.' } },
  'GET /api/sessions/{session_id}': {
    role: 'staff',
    answers: { 200: 'The session.' },
    errors: ['not_found'],
  },
  'GET /api/sessions/{session_id}/lines': {
    role: 'staff',
    answers: { 200: 'A page of lines.' },
    errors: ['not_found'],
  },
  'POST /api/sessions/{session_id}/lines/{line_id}/void': {
    role: 'supervisor',
    answers: { 200: 'The voided line.' },
    errors: ['not_found'],
  },
  'GET /api/sessions/{session_id}/report.csv': {
    role: 'staff',
    answers: { 200: 'All lines as CSV.' },
    errors: ['not_found'],
  },

  'GET /api/sync/conflicts': { role: 'supervisor', answers: { 200: 'A page of conflicts.' } },
  'GET /api/sync/conflicts/{conflict_id}': {
    role: 'supervisor',
    answers: { 200: 'The conflict with its trail.' },
    errors: ['not_found'],
  },
  'POST /api/sync/conflicts/{conflict_id}/claim': {
    role: 'supervisor',
    answers: { 200: 'The lock that was taken.' },
    errors: ['not_found', 'conflict_already_resolved', 'item_locked'],
  },
  'POST /api/sync/conflicts/{conflict_id}/resolve': {
    role: 'supervisor',
    answers: { 200: 'The conflict is resolved; `line` is the result.' },
    errors: [
      'not_found',
      'conflict_already_resolved',
      'item_locked',
      'lock_lost',
      'server_version_changed',
      'merged_value_required',
    ],
  },
  'POST /api/sync/conflicts/resolve': {
    role: 'supervisor',
    answers: { 200: 'One answer per conflict, also for those that could not be resolved.' },
  },

  'GET /api/locks': { role: 'supervisor', answers: { 200: 'A page of active locks.' } },
  'POST /api/locks': {
    role: 'supervisor',
    answers: { 201: 'The lock that was taken.' },
    errors: ['item_locked', 'lock_too_long'],
  },
  'POST /api/locks/{item_code}/renew': {
    role: 'supervisor',
    answers: { 200: 'The lock with its new end.' },
    errors: ['lock_lost', 'lock_too_long'],
  },
  'DELETE /api/locks/{item_code}': {
    role: 'supervisor',
    answers: { 204: 'The lock is released.' },
    errors: ['not_found', 'lock_lost'],
  },
  'GET /api/locks/{item_code}/history': {
    role: 'supervisor',
    answers: { 200: 'A page of what happened to the locks of the item.' },
  },

  'GET /api/analytics/variance': { role: 'supervisor', answers: { 200: 'The documents of the range.' } },
  'GET /api/analytics/variance/summary': {
    role: 'supervisor',
    answers: { 200: 'The figures of the range.' },
  },
  'GET /api/analytics/variance/trends': {
    role: 'supervisor',
    answers: { 200: 'The points of the period and their trend.' },
  },
  'POST /api/analytics/backfill': { role: 'admin', answers: { 202: 'The run is registered and queued.' } },
  'GET /api/analytics/backfill/{run_id}': {
    role: 'admin',
    answers: { 200: 'How far the run is.' },
    errors: ['not_found'],
  },

  'GET /api/users/me/preferences': { role: 'staff', answers: { 200: 'The preferences of the caller.' } },
  'PATCH /api/users/me/preferences': { role: 'staff', answers: { 200: 'The changed preferences.' } },

  'GET /api/devices': { role: 'supervisor', answers: { 200: 'A page of devices.' } },
  'GET /api/admin/realtime/connections': {
    role: 'admin',
    answers: { 200: 'The WebSocket connections of this process.' },
  },
  'GET /api/admin/schedules': { role: 'admin', answers: { 200: 'The schedules with their latest runs.' } },
  'POST /api/admin/schedules/{name}/{action}': {
    role: 'admin',
    answers: { 200: 'The schedule as it is now.' },
    errors: ['not_found'],
  },
  'GET /api/admin/dead-letters': { role: 'admin', answers: { 200: 'A page of dead letters.' } },
  'POST /api/admin/dead-letters/{id}/redrive': {
    role: 'admin',
    answers: { 202: 'The work is on its way again, or was sent again before: then nothing changed.' },
    errors: ['not_found', 'unsupported_version'],
  },
  'DELETE /api/admin/dead-letters/{id}': {
    role: 'admin',
    answers: { 204: 'The letter is dropped.' },
    errors: ['not_found'],
  },
};

type Json = Record<string, unknown>;
interface Operation extends Json {
  parameters?: Json[];
  requestBody?: unknown;
  responses: Record<string, Json>;
}

const VERDICTS = ['applied', 'duplicate', 'conflict', 'rejected', 'retry'] as const satisfies Verdict[];
const STATES = ['received', 'processing', 'applied'] as const satisfies BatchState[];
const REASONS = [
  'invalid_payload',
  'unknown_operation',
  'operation_id_reused',
  'session_mismatch',
  'operation_failed',
  'session_unknown',
  'temporarily_unavailable',
] as const satisfies (RejectionCode | RetryCode)[];

const serverState = z.union([
  z.object({
    version: z.int(),
    counted_qty: z.number().optional(),
    counted_by: z.string(),
    counted_at: z.iso.datetime(),
  }),
  z.object({
    session_id: z.string(),
    status: z.enum(['OPEN', 'CLOSED']),
    sync_status: z.enum(['synced', 'pending', 'conflict']),
  }),
]);

const batchStatus = z.object({
  batch_id: z.uuid(),
  state: z.enum(STATES),
  results: z.array(
    z.object({
      id: z.int(),
      verdict: z.enum(VERDICTS),
      code: z.enum([...conflictType.options, ...REASONS]).optional(),
      message: z.string().optional(),
      conflict_id: z.uuid().optional(),
      resolution: resolution.optional(),
      server: serverState.optional(),
    }),
  ),
  server_time: z.iso.datetime(),
});

const batchReceipt = z.object({
  batch_id: z.uuid(),
  state: z.literal('received'),
  received: z.int(),
});

const errorBody = (codes: readonly ErrorCode[]) =>
  z.object({
    detail: z.string(),
    error_code: z.enum(codes),
    timestamp: z.iso.datetime(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  });

const schemaOf = (schema: z.ZodType): Json => {
  const { $schema: _version, ...plain } = z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' });
  return plain;
};

const refTo = (name: string) => ({
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
});

const ERROR_STATUSES = Map.groupBy(
  Object.keys(ERROR_CODES) as ErrorCode[],
  (code) => ERROR_CODES[code].status,
);

const schemas: Readonly<Record<string, Json>> = {
  BatchStatus: schemaOf(batchStatus),
  BatchReceipt: schemaOf(batchReceipt),
  ...Object.fromEntries(
    [...ERROR_STATUSES].map(([status, codes]) => [`Error${status}`, schemaOf(errorBody(codes))]),
  ),
};

/** Answers whose shape no route states. */
const BODIES: Readonly<Record<string, Json>> = {
  'POST /api/sync/batches 200': refTo('BatchStatus'),
  'POST /api/sync/batches 202': refTo('BatchReceipt'),
  'POST /api/sync/batches 207': refTo('BatchStatus'),
  'GET /api/sync/batches/{batch_id} 200': refTo('BatchStatus'),
  'GET /api/sessions/{session_id}/report.csv 200': {
    content: { 'text/csv': { schema: { type: 'string' } } },
  },
  'GET /metrics 200': { content: { 'text/plain': { schema: { type: 'string' } } } },
};

const PREFER: Json = {
  name: 'Prefer',
  in: 'header',
  required: false,
  schema: { type: 'string', example: 'wait=10' },
  description:
    '`wait=N`, 1 to 30 seconds: the answer waits for the verdicts, `Preference-Applied: wait` says so.',
};

const RETRY_AFTER = {
  headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
};
const PREFERENCE_APPLIED = {
  headers: {
    'Preference-Applied': { description: '`wait` when it was asked for.', schema: { type: 'string' } },
  },
};

/** Adds what the routes' own schemas leave out: each status with its meaning, errors, the upload's header. */
export const describeAnswers: NonNullable<FastifyDynamicSwaggerOptions['transformObject']> = (made) => {
  if (!('openapiObject' in made)) return made.swaggerObject;
  const { paths = {}, components = {}, ...rest } = made.openapiObject;
  const described = Object.entries(paths as Record<string, Record<string, Operation>>).map(
    ([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, operation]) => [
          method,
          describe(`${method.toUpperCase()} ${path}`, operation),
        ]),
      ),
    ],
  );
  return {
    ...rest,
    components: { ...components, schemas: { ...components.schemas, ...schemas } },
    paths: Object.fromEntries(described),
  } as typeof made.openapiObject;
};

function describe(name: string, operation: Operation): Operation {
  const route = ROUTE_ANSWERS[name];
  if (!route) return operation;
  const isUpload = name === 'POST /api/sync/batches';
  const answers = Object.entries(route.answers).map(([status, description]) => [
    status,
    {
      ...operation.responses[status],
      ...BODIES[`${name} ${status}`],
      ...(isUpload ? PREFERENCE_APPLIED : {}),
      description,
    },
  ]);
  return {
    ...operation,
    ...(isUpload ? { parameters: [...(operation.parameters ?? []), PREFER] } : {}),
    responses: { ...errorsOf(route, operation), ...Object.fromEntries(answers) },
  };
}

function errorsOf(route: RouteAnswers, operation: Operation): Record<string, Json> {
  const codes = new Set<ErrorCode>([...(route.errors ?? []), 'internal_error']);
  if (operation.parameters?.length || operation.requestBody) codes.add('invalid_request');
  if (operation.requestBody) codes.add('batch_too_large');
  if (route.role !== undefined) codes.add('unauthorized').add('unavailable');
  if (route.role !== undefined && route.role !== 'staff') codes.add('forbidden');
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, each]) => [
      status,
      {
        description: each.map((code) => `\`${code}\`: ${ERROR_CODES[code].meaning}`).join(' '),
        ...(status === 429 || status === 503 ? RETRY_AFTER : {}),
        ...refTo(`Error${status}`),
      },
    ]),
  );
}
