import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../support/test-database.ts';

const script = join(fileURLToPath(new URL('../../..', import.meta.url)), 'scripts', 'doctor.ts');
const NOBODY = '127.0.0.1:1';
/** Measured 10.3 s for the slowest way of being away; the rest is room for a busy machine. */
const LIMIT_MS = 20_000;

let fresh: TestDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh?.drop());

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  /** `MongoDB failed`, one per line of the report. */
  checks: Record<string, string>;
}

function doctor(variables: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const env = {
    PATH: process.env['PATH'],
    MONGODB_URL: fresh.url,
    REDIS_URL: inject('redisUrl'),
    JWT_SECRET: 'a secret of the tests, long enough',
    ...variables,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
      const lines = stdout.trim().split('\n');
      const checks = lines.map((line) => {
        const [, state, check] = /^(\w+) +(\w+)/.exec(line) ?? [];
        return [check, state];
      });
      resolve({ code: Number(error?.code ?? 0), stdout, stderr, checks: Object.fromEntries(checks) });
    });
  });
}

describe('npm run doctor', () => {
  it('finds a fit engine room, and leaves no trace in it', async () => {
    const { code, checks, stdout } = await doctor({});
    expect(checks).toMatchObject({
      configuration: 'ok',
      MongoDB: 'ok',
      transactions: 'ok',
      clock: 'ok',
      analytics: 'ok',
      Redis: 'ok',
      eviction: 'ok',
    });
    expect(code).toBe(0);
    expect(stdout).not.toContain('\x1b');
    expect(await fresh.db.listCollections().toArray()).toEqual([]);
  });

  it('fails within seconds when nobody listens, and names both servers', async () => {
    const startedAt = performance.now();
    const { code, checks, stdout } = await doctor({
      MONGODB_URL: `mongodb://${NOBODY}`,
      REDIS_URL: `redis://${NOBODY}`,
    });
    expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS);
    expect(code).toBe(1);
    expect(checks).toMatchObject({
      MongoDB: 'failed',
      Redis: 'failed',
      clock: 'skipped',
      eviction: 'skipped',
    });
    expect(stdout.match(/ECONNREFUSED/g)).toHaveLength(2);
  });

  it('does not wait for servers that accept and stay silent', async () => {
    const port = await silentPort();
    const startedAt = performance.now();
    const { code, checks } = await doctor({
      MONGODB_URL: `mongodb://127.0.0.1:${port}`,
      REDIS_URL: `redis://127.0.0.1:${port}`,
    });
    expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS);
    expect(code).toBe(1);
    expect(checks).toMatchObject({ MongoDB: 'failed', Redis: 'failed' });
  });

  it('still looks at the one that is there', async () => {
    const { code, checks } = await doctor({ REDIS_URL: `redis://${NOBODY}` });
    expect(code).toBe(1);
    expect(checks).toMatchObject({ MongoDB: 'ok', transactions: 'ok', Redis: 'failed' });
  });

  it('lists everything that is wrong with the configuration at once', async () => {
    const { code, stdout } = await doctor({ MONGODB_URL: '', JWT_SECRET: 'short', PORT: 'x' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/MONGODB_URL is missing/);
    expect(stdout).toMatch(/JWT_SECRET must have at least 32 characters/);
    expect(stdout).toMatch(/PORT /);
    expect(stdout).not.toContain('short');
  });

  it('warns when the stored analytics are of another zone', async () => {
    await fresh.db
      .collection<{ _id: string }>('engine_settings')
      .insertOne({ _id: 'analytics', timezone: 'Asia/Kolkata', tolerance_percent: 0 } as { _id: string });
    onTestFinished(() =>
      fresh.db
        .collection('engine_settings')
        .drop()
        .then(() => {}),
    );
    const { code, checks, stdout } = await doctor({ BUSINESS_TIMEZONE: 'Europe/Berlin' });
    expect(code).toBe(0);
    expect(checks).toMatchObject({ analytics: 'warning' });
    expect(stdout).toContain('Asia/Kolkata');
  });

  it('explains itself, and refuses flags it does not know', async () => {
    expect(await doctor({}, '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('npm run doctor'),
    });
    expect(await doctor({}, '--fix')).toMatchObject({ code: 2, stderr: expect.stringContaining('--fix') });
  });
});

async function silentPort(): Promise<number> {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
