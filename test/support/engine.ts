// The engine as it really runs: in this process for stories, as a process of its own to be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { SignJWT } from 'jose';
import { inject } from 'vitest';
import { WebSocket } from 'ws';
import type { PublishedEvent, Role } from '../../src/contract/wire-types.ts';
import type { TestDatabase } from './test-database.ts';

export const JWT_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

/** An access token as the deployed app signs them. */
export const token = (user: string, role: Role, expires = '1h'): Promise<string> =>
  new SignJWT({ role, type: 'access' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(JWT_SECRET));

/** The environment of an engine on the run's servers, with a database and queue prefix of its own. */
export const engineEnvironment = (
  database: Pick<TestDatabase, 'url'>,
  prefix: string,
  more: Record<string, string> = {},
): Record<string, string> => ({
  MONGODB_URL: database.url,
  REDIS_URL: inject('redisUrl'),
  JWT_SECRET,
  PORT: '0',
  QUEUE_PREFIX: prefix,
  LOG_LEVEL: 'info',
  ...more,
});

export interface EngineProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it logged so far. */
  readonly lines: readonly string[];
  /** Sends the signal and resolves to the exit code once it is gone; null when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `src/main.ts` as a process and resolves when it is ready. Rejects with its output when it exits. */
export async function spawnEngine(environment: Record<string, string>): Promise<EngineProcess> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const exited = once(child, 'exit');
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stderr! }).on('line', (line) => lines.push(line));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      lines.push(line);
      const entry = JSON.parse(line) as { msg?: string; port?: number };
      if (entry.msg === 'engine ready') resolve(entry.port!);
    });
    exited.then(([code]) => reject(new Error(`exit ${code}\n${lines.join('\n')}`)), reject);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    lines,
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        await exited;
      }
      return child.exitCode;
    },
  };
}

export interface Watcher {
  readonly events: PublishedEvent[];
  /** Resolves to the first event, past or coming, that fits. */
  until(fits: (event: PublishedEvent) => boolean): Promise<PublishedEvent>;
  close(): void;
}

/** Connects to the relay and resolves once it was welcomed. */
export async function watch(url: string, accessToken: string): Promise<Watcher> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/updates`, ['jwt', accessToken]);
  const events: PublishedEvent[] = [];
  const waiting = new Set<() => void>();
  const welcomed = Promise.withResolvers<void>();
  socket.on('error', welcomed.reject);
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as { type: string };
    if (frame.type === 'welcome') welcomed.resolve();
    else if ('payload' in frame) events.push(frame as unknown as PublishedEvent);
    for (const look of waiting) look();
  });
  await welcomed.promise;
  return {
    events,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events.find(fits);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () => socket.terminate(),
  };
}

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests only.
  body: any;
}

/** One JSON request. */
export async function call(
  url: string,
  accessToken: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${accessToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
