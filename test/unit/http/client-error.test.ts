import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpApp, type HttpApp } from '../../../src/http/server.ts';

let app: HttpApp;
beforeAll(async () => {
  app = await createHttpApp(pino({ level: 'silent' }));
  app.get('/here', async () => ({ ok: true }));
  app.get('/half', (_request, reply) => {
    const body = new PassThrough();
    body.write('01234');
    // Long after the parser has met what follows the request.
    setTimeout(() => body.end('56789'), 100);
    reply.header('Content-Length', 10).send(body);
  });
  app.post('/store', async (request) => ({ stored: request.body }));
  // As the relay does: Node then hands upgrades to it.
  app.server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

/** All that the server sends for these bytes until it closes. */
async function sentFor(bytes: string, later?: string): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  socket.write(bytes);
  if (later !== undefined) {
    await once(socket, 'data');
    socket.write(later);
  }
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

async function answerTo(...lines: string[]): Promise<{ status: number; body: string }> {
  const [head = '', body = ''] = (await sentFor(`${lines.join('\r\n')}\r\n\r\n`)).split('\r\n\r\n');
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

describe('what is no HTTP after a whole request leaves its response alone', () => {
  const HALF = 'GET /half HTTP/1.1\r\nHost: x\r\n\r\n';
  const STORE =
    'POST /store HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"n":1}';
  const DONE = '{"stored":{"n":1}}';

  it.each([
    ['whose first half was sent', HALF, 'garbage', ['0123456789']],
    ['that has not begun', `${STORE}garbage`, undefined, [DONE]],
    ['and the one before it', `${HALF}${STORE}garbage`, undefined, ['0123456789', DONE]],
    ['and comes again', `${HALF}garbage`, 'more garbage', ['0123456789']],
  ])('%s', async (_which, bytes, later, bodies) => {
    const answers = (await sentFor(bytes, later)).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((answer) => answer.split(' ')[1])).toEqual(bodies.map(() => '200'));
    expect(answers.map((answer) => answer.split('\r\n\r\n')[1])).toEqual(bodies);
  });

  it('in the middle of a body is answered with 400, after the response before it', async () => {
    const chunked =
      'POST /store HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz';
    const answers = (await sentFor(`${HALF}${chunked}`)).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((answer) => answer.split(' ')[1])).toEqual(['200', '400']);
  });
});
