import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorBody } from '../contract/wire-types.ts';

interface ParserError extends Error {
  code?: string;
}

const REASONS: Readonly<Record<string, [status: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are over 16 KiB.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
};
const OTHER: [string, string] = ['400 Bad Request', 'This is no HTTP request.'];

/** What still comes in is read this long: to close before would reset the connection and lose the answer. */
const LINGER_MS = 1_000;

/**
 * Answers what Node's parser refuses, before there is a request, as the contract's error body; then closes (E6).
 * It is called again for what comes in after that.
 */
export function answerClientError(error: ParserError, socket: Socket): void {
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const [status, detail] = REASONS[error.code ?? ''] ?? OTHER;
  const body = bodyOf(detail);
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Answers an `Expect` header other than `100-continue`, which Node keeps from the routes, in the same way. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body = bodyOf('Only Expect: 100-continue can be met.');
  response.writeHead(417, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  });
  response.end(body);
}

function bodyOf(detail: string): string {
  const body: ErrorBody = { detail, error_code: 'invalid_request', timestamp: new Date().toISOString() };
  return JSON.stringify(body);
}
