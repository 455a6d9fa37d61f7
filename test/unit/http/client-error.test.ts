import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttpApp, type HttpApp } from '../../../src/http/server.ts';

let app: HttpApp;
beforeAll(async () => {
  app = await createHttpApp(pino({ level: 'silent' }));
  app.get('/here', async () => ({ ok: true }));
  // As the relay does: Node then hands upgrades to it.
  app.server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

/** What the server answers to these bytes until it closes. */
async function answerTo(...lines: string[]): Promise<{ status: number; body: string }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body };
}

const GET = 'GET /here HTTP/1.1';
const AND_CLOSE = ['Host: x', 'Connection: close'];

it.each([
  ['what is no HTTP', 400, ['hello']],
  ['an unknown method', 400, ['BREW /here HTTP/1.1', ...AND_CLOSE]],
  ['two lengths', 400, ['POST /here HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2', ...AND_CLOSE]],
  ['a length and chunks', 400, ['POST /here HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked']],
  ['a length below zero', 400, ['POST /here HTTP/1.1', 'Content-Length: -1', ...AND_CLOSE]],
  ['headers over 16 KiB', 431, [GET, `X-Large: ${'y'.repeat(20_000)}`, ...AND_CLOSE]],
  ['an expectation that nobody meets', 417, [GET, 'Expect: something', ...AND_CLOSE]],
  ['a URL that cannot be decoded', 400, ['GET /%zz HTTP/1.1', ...AND_CLOSE]],
])('answers %s with %i and a typed error', async (_, status, lines) => {
  const answer = await answerTo(...lines);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body)).toEqual({
    detail: expect.stringMatching(/\w/),
    error_code: 'invalid_request',
    timestamp: expect.stringMatching(/Z$/),
  });
});

it('answers before it closes, also when more comes in after what it refused', async () => {
  const long = Array.from({ length: 200 }, (_, n) => `X-${n}: ${'y'.repeat(5_000)}`);
  for (let round = 0; round < 20; round += 1) {
    expect((await answerTo(GET, 'Host: x', ...long)).status).toBe(431);
  }
});

it.each([
  ['another protocol that is only offered', 200, ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings']],
  ['a WebSocket', 101, ['Upgrade: WebSocket', 'Connection: Upgrade']],
])('answers an upgrade to %s with %i', async (_, status, headers) => {
  expect((await answerTo('GET /here HTTP/1.1', 'Host: x', ...headers, 'Connection: close')).status).toBe(
    status,
  );
});
