import type { OperationResult } from '../contract/wire-types.ts';
import type { HttpResponse } from './http-port.ts';
import { isObject } from './known-versions.ts';

const LONGEST_WAIT_MS = 60 * 60_000;

/** What came back, read as far as the uploader has to tell answers apart. */
export type ServerAnswer =
  | { kind: 'results'; results: OperationResult[] }
  /** Stored, not all verdicts there yet. */
  | { kind: 'received' }
  | { kind: 'too_large' }
  /** `waitMs` null: the server did not say how long. */
  | { kind: 'slow_down'; waitMs: number | null; reason: string }
  | { kind: 'unreachable'; reason: string }
  | { kind: 'unauthorized'; reason: string }
  | { kind: 'batch_id_reused' }
  /** Sending the same again cannot help; a person or a newer app has to. */
  | { kind: 'refused'; reason: string };

/**
 * Reads the answer to an upload or to the question after it. A success that is not the engine's (the sign-in
 * page of a hotel's network, say) counts as unreachable: no row may leave the device because of it.
 */
export function readAnswer(
  response: Pick<HttpResponse, 'status' | 'headers'>,
  text: string,
  ask: Ask,
): ServerAnswer {
  const { status } = response;
  const body = parseObject(text);
  const reason = reasonOf(status, body);
  if (status === 200 || status === 207)
    return readResults(body, ask.batchId) ?? { kind: 'unreachable', reason };
  if (status === 202) {
    return body?.['batch_id'] === ask.batchId ? { kind: 'received' } : { kind: 'unreachable', reason };
  }
  if (status === 413) return { kind: 'too_large' };
  if (status === 429 || status === 503) {
    return {
      kind: 'slow_down',
      waitMs: retryAfterMs(response.headers.get('retry-after'), ask.nowMs),
      reason,
    };
  }
  if (status === 401) return { kind: 'unauthorized', reason };
  if (status === 409 && body?.['error_code'] === 'batch_id_reused') return { kind: 'batch_id_reused' };
  if (status >= 500 || status === 408 || status === 425) return { kind: 'unreachable', reason };
  return { kind: 'refused', reason };
}

export interface Ask {
  batchId: string;
  nowMs: number;
}

function readResults(body: Record<string, unknown> | null, batchId: string): ServerAnswer | null {
  if (body === null || body['batch_id'] !== batchId || !Array.isArray(body['results'])) return null;
  if (body['state'] === 'received' || body['state'] === 'processing') return { kind: 'received' };
  return { kind: 'results', results: body['results'].filter(isResult) };
}

/** A verdict as the contract shapes it; one that is not counts as left out, and its row is sent again. */
function isResult(value: unknown): value is OperationResult {
  return (
    isObject(value) &&
    Number.isSafeInteger(value['id']) &&
    typeof value['verdict'] === 'string' &&
    ['code', 'message', 'conflict_id', 'resolution'].every((field) => isStringOrMissing(value[field])) &&
    (value['server'] === undefined || isObject(value['server']))
  );
}

function isStringOrMissing(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function reasonOf(status: number, body: Record<string, unknown> | null): string {
  const code = body?.['error_code'];
  const detail = body?.['detail'];
  return [`HTTP ${status}`, code, detail].filter((part) => typeof part === 'string').join(' · ');
}

/** `Retry-After` in seconds or as an HTTP date; at most an hour, so that a wrong clock cannot silence a device. */
function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.min(LONGEST_WAIT_MS, Math.max(0, waitMs));
}
