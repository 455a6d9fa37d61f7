import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { OperationResult, UploadBatch } from '../../../src/contract/wire-types.ts';
import type { Timer } from '../../../src/device/timer.ts';

export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: UploadBatch | null;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Cuts the connection instead of answering. */
  cut?: boolean;
  /** Never answers. */
  hang?: boolean;
}

export interface FakeEngine {
  url: string;
  received: Received[];
  uploads(): UploadBatch[];
  /** Answers of the requests to come, in order; then `otherwise` answers. */
  script: ((request: Received) => Reply)[];
  otherwise: (request: Received) => Reply;
  mostAtOnce(): number;
}

/** A sync endpoint over real HTTP that applies everything unless the test scripts another answer. */
export async function startFakeEngine(): Promise<FakeEngine> {
  const received: Received[] = [];
  let open = 0;
  let most = 0;
  const engine: FakeEngine = {
    url: '',
    received,
    uploads: () => received.flatMap((request) => (request.method === 'POST' ? [request.body!] : [])),
    script: [],
    otherwise: (request) => verdicts(request.body!, (id) => ({ id, verdict: 'applied' })),
    mostAtOnce: () => most,
  };
  const server = createServer(async (request, response) => {
    most = Math.max(most, ++open);
    response.on('close', () => {
      open -= 1;
    });
    const seen = await read(request);
    received.push(seen);
    reply(response, (engine.script.shift() ?? engine.otherwise)(seen));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  engine.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return engine;
}

/** The engine's answer to an applied batch. */
export function verdicts(batch: UploadBatch, verdict: (id: number) => OperationResult): Reply {
  const results = batch.items.map((item) => verdict(item.id));
  const fine = results.every((result) => result.verdict === 'applied' || result.verdict === 'duplicate');
  return { status: fine ? 200 : 207, body: { ...answer(batch.batch_id, 'applied'), results } };
}

export function answer(
  batchId: string,
  state: 'received' | 'processing' | 'applied',
): Record<string, unknown> {
  return { batch_id: batchId, state, results: [], server_time: '2025-10-09T08:00:00Z' };
}

export function refusal(status: number, errorCode: string, headers: Record<string, string> = {}): Reply {
  const body = { detail: 'no', error_code: errorCode, timestamp: '2025-10-09T08:00:00Z' };
  return { status, headers, body };
}

async function read(request: IncomingMessage): Promise<Received> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return {
    method: request.method!,
    path: request.url!,
    headers: request.headers,
    body: text === '' ? null : (JSON.parse(text) as UploadBatch),
  };
}

function reply(response: ServerResponse, { status, headers = {}, body, cut, hang }: Reply): void {
  if (hang) return;
  if (cut) {
    response.socket?.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
}

export interface FastTimer extends Timer {
  /** The waits that were asked for, in ms. */
  waits: number[];
}

/** A timer on which 100 ms pass in one. */
export function fastTimer(): FastTimer {
  const waits: number[] = [];
  return {
    waits,
    set(callback, delayMs) {
      waits.push(delayMs);
      return setTimeout(callback, delayMs / 100);
    },
    clear: (handle) => clearTimeout(handle as NodeJS.Timeout),
  };
}
