import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ERROR_CODES, type ErrorCode } from '../contract/error-codes.ts';
import type { ErrorBody } from '../contract/wire-types.ts';
import { isTransient } from '../db/transient.ts';
import { ApiError } from './errors.ts';

const MAX_ISSUES = 20;

/** Sends any error as the contract's error body; what nobody expected is logged and becomes a 500. */
export function handleError(
  error: FastifyError | ApiError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = error instanceof ApiError ? error : knownError(error);
  if (known.status >= 500) request.log.error({ err: error }, 'request failed');
  const body: ErrorBody & Record<string, unknown> = {
    detail: detailOf(known),
    error_code: known.code,
    timestamp: new Date().toISOString(),
    ...known.options.body,
  };
  if (known.options.issues) body.issues = known.options.issues;
  if (known.options.retryAfterSeconds !== undefined) {
    reply.header('Retry-After', String(Math.ceil(known.options.retryAfterSeconds)));
  }
  reply.code(known.status).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** What the catalogue says comes with its advice; a sentence of the route's own stands for itself. */
function detailOf({ code, message }: ApiError): string {
  const { meaning, remedy } = ERROR_CODES[code];
  return message === meaning ? `${meaning} ${remedy}` : message;
}

export function notFound(): never {
  throw new ApiError('not_found');
}

const RETRY_AFTER_SECONDS = 5;

function knownError(error: FastifyError): ApiError {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.slice(0, MAX_ISSUES).map((issue) => ({
      path: issue.instancePath.replace(/^\//, '').replaceAll('/', '.'),
      message: issue.message ?? 'is invalid',
    }));
    return new ApiError('invalid_request', undefined, { issues });
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ApiError('batch_too_large');
  if (isTransient(error)) {
    return new ApiError('unavailable', undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return new ApiError(codeOfStatus(status), error.message);
  return new ApiError('internal_error');
}

const codeOfStatus = (status: number): ErrorCode => (status === 404 ? 'not_found' : 'invalid_request');
