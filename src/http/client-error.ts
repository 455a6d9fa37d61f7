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

/** The requests of each connection whose responses are under way, in their order. */
const underWay = new WeakMap<Socket, Map<IncomingMessage, ServerResponse>>();
const ending = new WeakSet<Socket>();

/** Remembers a request until its response is sent; for each `request` of the server. */
export function noteRequest(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const responses = underWay.get(socket) ?? new Map<IncomingMessage, ServerResponse>();
  underWay.set(socket, responses.set(request, response));
  response.once('close', () => responses.delete(request));
}

/**
 * Answers what Node's parser refuses, before there is a request or in the middle of its body, as the contract's
 * error body; then closes (E6). What comes after a whole request gets no answer: the responses that are under
 * way are sent, then the connection ends. It is called again for what comes in after that.
 */
export function answerClientError(error: ParserError, socket: Socket): void {
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error);
    return;
  }
  if (ending.has(socket)) return;
  ending.add(socket);
  void endConnection(error, socket);
}

async function endConnection(error: ParserError, socket: Socket): Promise<void> {
  const responses = [...(underWay.get(socket) ?? [])];
  const whole = responses.filter(([request]) => request.complete);
  const cutOff = responses.find(([request]) => !request.complete)?.[1];
  for (const [, response] of whole) {
    if (!response.closed) await new Promise((resolve) => response.once('close', resolve));
  }
  if (cutOff?.headersSent) {
    socket.destroy(error);
    return;
  }
  if (socket.writable) socket.end(cutOff || whole.length === 0 ? answerOf(error) : '');
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function answerOf(error: ParserError): string {
  const [status, detail] = REASONS[error.code ?? ''] ?? OTHER;
  const body = bodyOf(detail);
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
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
