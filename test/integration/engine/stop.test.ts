// SIGTERM while a server does not answer (invariant E2): the deadline is 25 s, a stop takes a few.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, inject, it } from 'vitest';
import { type Services, startServices } from '../../../tools/services/start-services.ts';
import { type EngineProcess, engineEnvironment, spawnEngine } from '../../support/engine.ts';
import { freshDatabase, freshRedisPrefix } from '../../support/test-database.ts';

let services: Services | undefined;
let engine: EngineProcess | undefined;

afterEach(async () => {
  await engine?.end('SIGKILL');
  await services?.stop();
});

const cases = [
  { away: 'redis', given: { MONGODB_URL: 'mongoUrl' } },
  { away: 'mongo', given: { REDIS_URL: 'redisUrl' } },
] as const;

it.each(cases)('the engine stops within 25 s while $away is away', async ({ away, given }) => {
  const [variable, provided] = Object.entries(given)[0]!;
  const { MONGODB_URL: _mongo, REDIS_URL: _redis, ...rest } = process.env;
  services = await startServices({
    env: { ...rest, [variable]: inject(provided as 'mongoUrl' | 'redisUrl') },
  });
  engine = await spawnEngine({
    ...engineEnvironment({ url: services.mongoUrl }, freshRedisPrefix()),
    MONGODB_DB: `stop_${away}_${process.pid}`,
    REDIS_URL: services.redisUrl,
  });
  const server = services.servers[away];
  if (!server) throw new Error(`this run has no ${away} of its own to kill`);
  await server.kill();
  const startedAt = performance.now();
  const code = await engine.end('SIGTERM');
  const seconds = (performance.now() - startedAt) / 1000;
  expect({ code, inTime: seconds < 25 }).toEqual({ code: 0, inTime: true });
});

it('a request that never ends does not hold the stop up', async () => {
  const database = await freshDatabase();
  try {
    engine = await spawnEngine(engineEnvironment(database, freshRedisPrefix()));
    const socket = connect(Number(new URL(engine.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write('POST /api/sync/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{');
    // The server has read the head once it answers a request that came later.
    await fetch(`${engine.url}/health/live`);
    const startedAt = performance.now();
    expect(await engine.end('SIGTERM')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    socket.destroy();
  } finally {
    await database.drop();
  }
});
