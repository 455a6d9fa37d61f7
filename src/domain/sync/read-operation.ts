import type { z } from 'zod';
import { time } from '../../contract/schemas/fields.ts';
import {
  countUpdatePayload,
  sessionCompletePayload,
  sessionStartPayload,
} from '../../contract/schemas/operations.ts';
import type { UploadEnvelopeItem } from '../../contract/schemas/upload-batch.ts';
import { round4 } from '../decimal.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Operation, ReadOperation, Rejection } from './operation.ts';

/**
 * Reads one uploaded item: either an operation in the engine's own form, or the reason why it can never
 * apply. Either way with its canonical content, by which a replay is told from a reused id.
 */
export function readOperation(item: UploadEnvelopeItem): ReadOperation {
  const read = readContent(item);
  if ('rejection' in read) return { id: item.id, content: rawContent(item), rejection: read.rejection };
  return { id: item.id, content: read.content, operation: read.operation };
}

type Content = { content: string; operation: Operation } | { rejection: Rejection };

function readContent(item: UploadEnvelopeItem): Content {
  const createdAt = time.safeParse(item.created_at);
  if (!createdAt.success) return invalid('created_at', createdAt.error);
  switch (item.operation) {
    case 'session_start':
    case 'session_complete':
      return readSessionOperation(item, item.operation, createdAt.data);
    case 'count_update':
      return readCount(item, createdAt.data);
    default:
      return { rejection: { code: 'unknown_operation', message: 'The operation is not known.' } };
  }
}

function readSessionOperation(
  item: UploadEnvelopeItem,
  name: 'session_start' | 'session_complete',
  createdAt: Date,
): Content {
  if (item.entity_type !== 'session') return wrongEntity(name, 'session');
  if (name === 'session_start') {
    const parsed = sessionStartPayload.safeParse(item.payload);
    if (!parsed.success) return invalid('payload', parsed.error);
    if (!namesSession(item, parsed.data.session_id)) return wrongEntityId();
    const { notes, ...rest } = parsed.data;
    return withContent(item, createdAt, parsed.data, { operation: name, ...rest, notes: notes || null });
  }
  const parsed = sessionCompletePayload.safeParse(item.payload);
  if (!parsed.success) return invalid('payload', parsed.error);
  if (!namesSession(item, parsed.data.session_id)) return wrongEntityId();
  const { notes, ...rest } = parsed.data;
  return withContent(item, createdAt, parsed.data, { operation: name, ...rest, notes: notes || null });
}

function readCount(item: UploadEnvelopeItem, createdAt: Date): Content {
  if (item.entity_type !== 'count_line') return wrongEntity('count_update', 'count_line');
  const parsed = countUpdatePayload.safeParse(item.payload);
  if (!parsed.success) return invalid('payload', parsed.error);
  const payload = parsed.data;
  return withContent(item, createdAt, payload, {
    operation: 'count_update',
    session_id: payload.session_id,
    item_code: payload.item_code,
    location: payload.location,
    counted_qty: round4(payload.counted_qty),
    counted_at: payload.counted_at,
    base_version: payload.base_version,
    erp_qty: roundedOrNull(payload.erp_qty),
    unit_value: roundedOrNull(payload.unit_value),
    category: payload.category || null,
    variance_reason: payload.variance_reason || null,
    note: payload.note || null,
  });
}

function withContent(
  item: UploadEnvelopeItem,
  createdAt: Date,
  payload: object,
  operation: Operation,
): Content {
  const { entity_type } = item;
  // `null` is how a device's table says that there is none.
  const entity_id = trimmed(item.entity_id ?? undefined);
  const content = canonicalJson({
    operation: item.operation,
    entity_type,
    entity_id,
    payload,
    created_at: createdAt,
  });
  return { content, operation };
}

// What cannot be read has no defaults to fill: its content is what was sent.
const rawContent = ({ operation, entity_type, entity_id, payload, created_at }: UploadEnvelopeItem): string =>
  canonicalJson({ operation, entity_type, entity_id, payload, created_at });

const roundedOrNull = (value: number | undefined): number | null =>
  value === undefined ? null : round4(value);

const namesSession = (item: UploadEnvelopeItem, sessionId: string): boolean =>
  item.entity_id === undefined || item.entity_id === null || trimmed(item.entity_id) === sessionId;

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value);

const reject = (message: string): Content => ({ rejection: { code: 'invalid_payload', message } });

const wrongEntity = (operation: string, entityType: string): Content =>
  reject(`entity_type of ${operation} must be ${entityType}`);

const wrongEntityId = (): Content => reject('entity_id must equal payload.session_id');

const MAX_MESSAGE_CHARACTERS = 200;

function invalid(at: string, error: z.ZodError): Content {
  const [issue] = error.issues;
  const path = [at, ...(issue?.path ?? [])].join('.');
  return reject(`${path}: ${issue?.message ?? 'is invalid'}`.slice(0, MAX_MESSAGE_CHARACTERS));
}
