import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const START_LIMIT_MS = 10_000;
const OLDEST = [6, 2] as const;

/** Rejects with a readable reason unless a Redis of a supported version answers at `url`. */
export async function assertRedis(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5_000 });
  // Every failure also rejects the call that it belongs to.
  client.on('error', () => {});
  try {
    await client.connect();
    const version = /redis_version:(\d+)\.(\d+)/.exec(await client.info('server'));
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
      throw new Error(`it is Redis ${major}.${minor}, and ${OLDEST.join('.')} or newer is needed`);
    }
  } finally {
    client.disconnect();
  }
}

/** Waits until a Redis that was just started answers. */
export async function waitForRedis(url: string): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await assertRedis(url);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(25);
  }
}
