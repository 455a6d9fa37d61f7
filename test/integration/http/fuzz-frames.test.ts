// WebSocket clients that send anything: each is answered or closed for a reason, and the relay goes on.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  type EngineProcess,
  engineEnvironment,
  JWT_SECRET,
  spawnEngine,
  watch,
} from '../../support/engine.ts';
import { tellFigures } from '../../support/figures.ts';
import { freshDatabase, freshRedisPrefix, type TestDatabase } from '../../support/test-database.ts';
import { hostile, pick, type Random, seeded } from './fuzz-values.ts';
import { sign } from './http-engine.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_302);
const CLIENTS = Math.ceil(Number(process.env['FUZZ_REQUESTS'] ?? 500) / 10);
const FRAMES = 12;
const LIMIT_MS = 60_000 + CLIENTS * 500;

/** What the contract names, and 1002, 1007, 1009 and 1006, with which a broken protocol ends. */
const CLOSE_CODES = [1000, 1002, 1005, 1006, 1007, 1009, 4001, 4002, 4501, 4503, 4504];
const ANSWERS = ['welcome', 'resumed', 'heartbeat', 'authenticated', 'subscribed', 'error'];

let database: TestDatabase;
let engine: EngineProcess;
beforeAll(async () => {
  database = await freshDatabase();
  engine = await spawnEngine(engineEnvironment(database, freshRedisPrefix(), { ENGINE_ROLES: 'relay' }));
});
afterAll(async () => {
  await engine.end('SIGTERM');
  await database.drop();
});

const token = (who: string) => sign({ sub: who, role: 'staff' }, { secret: JWT_SECRET });

function frame(random: Random, who: string): string | Buffer {
  const right: object[] = [
    { type: 'heartbeat' },
    { type: 'subscribe', events: ['item_update'] },
    { type: 'resume', last_event_id: '0-0' },
    { type: 'auth', token: token(who) },
  ];
  const one = pick(random, right);
  const key = pick(random, [...Object.keys(one), 'extra']);
  const faulty = JSON.stringify({ ...one, [key]: hostile(random) });
  const broken = pick(random, [
    '',
    '{',
    '[',
    '\u0000',
    '[]',
    'null',
    '1e999',
    'x'.repeat(65_600),
    '['.repeat(60_000),
  ]);
  const binary = Buffer.from(JSON.stringify(one));
  return pick(random, [JSON.stringify(one), faulty, faulty, faulty, faulty, faulty, faulty, broken, binary]);
}

/** Bytes that are no frame: reserved bits, an unmasked frame, a length of 2^63, a broken close, noise. */
const NO_FRAMES: readonly number[][] = [
  [0xf1, 0x80, 0, 0, 0, 0],
  [0x81, 0x02, 0x7b, 0x7d],
  [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x88, 0x81, 0, 0, 0, 0, 0x03],
  [0x83, 0x80, 0, 0, 0, 0],
  [0x00, 0x80, 0, 0, 0, 0],
  [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0],
  [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
];

async function client(n: number, random: Random): Promise<{ code: number; answers: string[] }> {
  const who = `who-${n}`;
  const last = encodeURIComponent(String(JSON.stringify(hostile(random))).toWellFormed());
  const asked = pick(random, [`?last_event_id=${last}`, `?device_id=${last}`, '', '?token=%00', `?${last}`]);
  const protocols = random() < 0.9 ? ['jwt', token(who)] : ['jwt', 'no.such.token'];
  const socket = new WebSocket(
    `${engine.url.replace('http', 'ws')}/ws/updates${asked.slice(0, 8_000)}`,
    protocols,
  );
  const answers: string[] = [];
  socket.on('message', (data) => answers.push(String(data)));
  // A reset while frames are written is an end like any other; its code is 1006.
  socket.on('error', () => {});
  const closed = once(socket, 'close') as Promise<[number]>;
  await Promise.race([once(socket, 'open').catch(() => {}), closed]);
  for (let index = 0; index < FRAMES && socket.readyState === WebSocket.OPEN; index += 1) {
    socket.send(frame(random, who), () => {});
  }
  socket.close();
  const [code] = await closed;
  return { code, answers };
}

/** Shakes hands by hand, then sends bytes that are no frame. Resolves when the server closed. */
async function noise(bytes: readonly number[]): Promise<void> {
  const { hostname, port } = new URL(engine.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const head = [
    `GET /ws/updates?token=${token('noise')} HTTP/1.1`,
    `Host: ${hostname}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  socket.write(Buffer.from(bytes));
  socket.resume();
  await once(socket, 'close');
}

test(
  `${CLIENTS} WebSocket clients that send anything, seed ${SEED}: answered or closed for a reason`,
  async (context) => {
    const random = seeded(SEED);
    const healthy = await watch(engine.url, token('healthy'));
    const codes: Record<number, number> = {};
    let frames = 0;
    for (let n = 0; n < CLIENTS; n += 1) {
      const { code, answers } = await client(n, random);
      codes[code] = (codes[code] ?? 0) + 1;
      expect(CLOSE_CODES, `client ${n}`).toContain(code);
      for (const answer of answers) expect(ANSWERS).toContain((JSON.parse(answer) as { type: string }).type);
      frames += answers.length;
    }
    for (const bytes of NO_FRAMES) await noise(bytes);
    expect(engine.child.exitCode).toBeNull();
    const later = await watch(engine.url, token('later'));
    later.close();
    healthy.close();
    console.log(
      `fuzz: ${CLIENTS} WebSocket clients, ${frames} answers, by close code ${JSON.stringify(codes)}`,
    );
    tellFigures(context, { 'websocket clients': CLIENTS });
    expect(Object.keys(codes)).toEqual(expect.arrayContaining(['1005', '1007']));
    const errors = engine.lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
    expect(errors).toEqual([]);
  },
  LIMIT_MS,
);
