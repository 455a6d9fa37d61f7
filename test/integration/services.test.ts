import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { findProgram } from '../../tools/services/find-program.ts';
import { findRedis } from '../../tools/services/find-redis.ts';
import { startServices } from '../../tools/services/start-services.ts';

const running = { MONGODB_URL: inject('mongoUrl'), REDIS_URL: inject('redisUrl') };
const UNREACHABLE = '127.0.0.1:1';

describe('startServices', () => {
  it('takes the servers of the environment, says so, and leaves them running', async () => {
    const said: string[] = [];
    const services = await startServices({ env: running, report: (line) => said.push(line) });
    expect(services.found).toEqual({ mongo: 'MONGODB_URL', redis: 'REDIS_URL' });
    expect(said).toHaveLength(2);
    await services.stop();
    expect(await isListening(running.REDIS_URL)).toBe(true);
  });

  it('refuses a MONGODB_URL that does not answer, and takes no other server for it', async () => {
    const env = { ...running, MONGODB_URL: `mongodb://${UNREACHABLE}` };
    await expect(startServices({ env })).rejects.toThrow(/^MONGODB_URL is set, but/);
  });

  it('refuses a REDIS_URL that does not answer', async () => {
    const env = { ...running, REDIS_URL: `redis://${UNREACHABLE}` };
    await expect(startServices({ env })).rejects.toThrow(/^REDIS_URL is set, but/);
  });

  it('ends what it started, twice too', async () => {
    const env = { ...process.env, MONGODB_URL: running.MONGODB_URL };
    const services = await startServices({ env });
    expect(await isListening(services.redisUrl)).toBe(true);
    await services.stop();
    await services.stop();
    expect(await isListening(services.redisUrl)).toBe(services.found.redis === 'REDIS_URL');
  });

  it('ends what it started when its process is killed', async () => {
    const module = new URL('../../tools/services/start-services.ts', import.meta.url).href;
    const script = `
      import { startServices } from ${JSON.stringify(module)};
      const { mongoUrl, redisUrl, found } = await startServices();
      console.log(JSON.stringify({ mongoUrl, redisUrl, found }));
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    const { mongoUrl, redisUrl, found } = JSON.parse(line);
    owner.kill('SIGKILL');
    if (found.mongo !== 'MONGODB_URL') await expectGone(mongoUrl);
    if (found.redis !== 'REDIS_URL') await expectGone(redisUrl);
  });
});

describe('a Redis of our own', () => {
  const env = { PATH: process.env['PATH'] };
  const find = (options: { appendOnly: boolean; env?: NodeJS.ProcessEnv }) =>
    findRedis({ env, report: () => {}, ...options });

  it('keeps acknowledged writes over a kill when it is append-only, at the same address', async () => {
    const service = await find({ appendOnly: true });
    onTestFinished(service.stop);
    const redis = new Redis(service.url, { retryStrategy: () => 50 });
    redis.on('error', () => {});
    onTestFinished(() => redis.disconnect());
    await redis.set('key', 'kept');
    await service.server?.kill();
    expect(await isListening(service.url)).toBe(false);
    await service.server?.restart();
    expect(await redis.get('key')).toBe('kept');
  });

  it('evicts nothing and takes no snapshots', async () => {
    const service = await find({ appendOnly: false });
    onTestFinished(service.stop);
    const redis = new Redis(service.url);
    onTestFinished(() => redis.disconnect());
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await redis.config('GET', 'save')).toEqual(['save', '']);
  });

  it("runs from the binary of Debian's redis-tools, which has another name", async () => {
    const binary = findProgram('redis-check-rdb', process.env) ?? findProgram('redis-server', process.env);
    // Only meaningful as root on Debian, where this way is taken.
    if (!binary || process.getuid?.() !== 0) return;
    const folder = mkdtempSync(join(tmpdir(), 'stock-verify-path-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    symlinkSync(binary, join(folder, 'redis-check-rdb'));
    const service = await find({ appendOnly: false, env: { PATH: folder } });
    onTestFinished(service.stop);
    expect(service.source).toBe('Debian package');
    expect(await isListening(service.url)).toBe(true);
  });
});

function isListening(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function expectGone(url: string): Promise<void> {
  for (let waited = 0; waited < 50; waited++) {
    if (!(await isListening(url))) return;
    await sleep(100);
  }
  throw new Error(`${url} still answers 5 s after its owner was killed`);
}
