// Finds Redis: the URL in the environment, a binary, Debian's package; the first that is there.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { foldersFromEnvironment } from '../documentdb/debian/folders.ts';
import { whyNotHere } from '../documentdb/debian/install.ts';
import { withLock } from '../documentdb/debian/lock.ts';
import { createStepRunner } from '../documentdb/debian/step-runner.ts';
import { assertRedis } from './check-redis.ts';
import { findProgram } from './find-program.ts';
import { startRedis } from './redis-server.ts';
import type { FindOptions, RedisSource, Service } from './service.ts';
import { nothingFound, ServicesUnavailable } from './services-unavailable.ts';

// The package redis-tools holds the server's binary, under the name of its checking tool. The package
// redis-server only adds a link and a system service, which would start a server that nobody here asked for.
const DEBIAN_PACKAGE = 'redis-tools';
const DEBIAN_BINARY = 'redis-check-rdb';

export interface FindRedisOptions extends FindOptions {
  readonly appendOnly: boolean;
}

/** As findMongoDb: a URL that is set but does not work is an error. Throws ServicesUnavailable. */
export async function findRedis(options: FindRedisOptions): Promise<Service<RedisSource>> {
  const { env, report, appendOnly } = options;
  const url = env['REDIS_URL'];
  if (url) return fromEnvironment(url);

  const binary = findProgram('redis-server', env);
  if (binary) return started('redis-server binary', binary, binary, appendOnly);

  const obstacle = whyNotHere();
  if (obstacle) {
    const tried = ['REDIS_URL is not set', 'there is no redis-server on the PATH'];
    throw nothingFound('Redis', [...tried, `Debian's package cannot be used (${obstacle})`]);
  }
  const packaged = findProgram(DEBIAN_BINARY, env) ?? (await installPackage(env, report, options.signal));
  return started('Debian package', packaged, `Debian's ${DEBIAN_PACKAGE}`, appendOnly);
}

async function started(source: RedisSource, binary: string, description: string, appendOnly: boolean) {
  const server = await startRedis({ binary, appendOnly });
  return { source, url: server.url, description, server, stop: server.stop };
}

async function fromEnvironment(url: string): Promise<Service<RedisSource>> {
  try {
    await assertRedis(url);
  } catch (error) {
    throw new ServicesUnavailable(
      `REDIS_URL is set, but its server cannot be used: ${(error as Error).message}`,
    );
  }
  return { source: 'REDIS_URL', url, description: 'the server of REDIS_URL', stop: async () => {} };
}

async function installPackage(
  env: NodeJS.ProcessEnv,
  report: (message: string) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  const folders = foldersFromEnvironment(env);
  mkdirSync(folders.base, { recursive: true });
  const runner = createStepRunner(folders.base, join(folders.base, 'redis-install.log'));
  signal?.addEventListener('abort', runner.abort);
  try {
    // apt refuses a second "update" at the same time instead of waiting.
    await withLock(
      folders.lock,
      () => report('Redis: waiting for another installation'),
      async () => {
        if (findProgram(DEBIAN_BINARY, env)) return;
        report(`Redis: installing Debian's ${DEBIAN_PACKAGE}`);
        await runner.run('apt-get', ['update', '-qq']);
        await runner.run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', DEBIAN_PACKAGE]);
      },
    );
  } finally {
    signal?.removeEventListener('abort', runner.abort);
  }
  const binary = findProgram(DEBIAN_BINARY, env);
  if (!binary) throw new ServicesUnavailable(`Debian's ${DEBIAN_PACKAGE} holds no ${DEBIAN_BINARY}`);
  return binary;
}
