import { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';

/** What a request may weigh on the wire, and what it may become (contract 4). */
export const MAX_BODY_BYTES = 1024 * 1024;
export const MAX_INFLATED_BYTES = 8 * 1024 * 1024;

type Payload = NodeJS.ReadableStream & { receivedEncodedLength?: number };

/**
 * A `preParsing` hook: inflates gzip bodies and counts both sides while they stream, so that a small body
 * that would become a huge one is refused before it is in memory. Throws `batch_too_large` past a bound,
 * `invalid_request` for another encoding or a broken stream.
 */
export async function inflateBody(
  request: FastifyRequest,
  _reply: unknown,
  payload: Payload,
): Promise<Payload> {
  const encoding = request.headers['content-encoding']?.toLowerCase();
  if (encoding === undefined || encoding === 'identity') return bounded(request, payload);
  if (encoding !== 'gzip') throw new ApiError('invalid_request', 'Content-Encoding must be gzip or absent.');
  const received = counter(MAX_BODY_BYTES);
  const inflated: Payload = counter(MAX_INFLATED_BYTES);
  const gunzip = createGunzip();
  const fail = (error: Error) =>
    (inflated as Transform).destroy(
      error instanceof ApiError ? error : new ApiError('invalid_request', 'The gzip body is broken.'),
    );
  received.on('error', fail);
  gunzip.on('error', fail);
  payload.on('error', fail);
  received.on('data', (chunk: Buffer) => {
    inflated.receivedEncodedLength = (inflated.receivedEncodedLength ?? 0) + chunk.length;
  });
  inflated.receivedEncodedLength = 0;
  payload
    .pipe(received)
    .pipe(gunzip)
    .pipe(inflated as Transform);
  // Fastify compares the body with this header, and checks it against its own limit.
  delete request.headers['content-length'];
  return inflated;
}

// A body that declares its length was checked by it; one that does not is counted.
function bounded(request: FastifyRequest, payload: Payload): Payload {
  if (request.headers['content-length'] !== undefined) return payload;
  const counted = counter(MAX_BODY_BYTES);
  payload.on('error', (error) => counted.destroy(error));
  return payload.pipe(counted);
}

function counter(limit: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > limit) done(new ApiError('batch_too_large'));
      else done(null, chunk);
    },
  });
}
