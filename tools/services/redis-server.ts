// A Redis of our own: on a free port, in a private folder, gone with the process that started it.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { freePort } from '../processes/free-port.ts';
import { type GuardedProcess, startGuarded } from '../processes/guarded-process.ts';
import { waitForRedis } from './check-redis.ts';
import type { CrashableServer } from './service.ts';

export interface RedisOptions {
  readonly binary: string;
  /** Writes each command to the append-only file before it is acknowledged. */
  readonly appendOnly: boolean;
}

export interface RedisServer extends CrashableServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Ready when it resolves. `restart` keeps the data only with `appendOnly`. */
export async function startRedis({ binary, appendOnly }: RedisOptions): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'stock-verify-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const start = async (): Promise<GuardedProcess> => {
    const args = redisArguments(folder, port, appendOnly);
    const command = namedRedisServer(binary, folder);
    const started = await startGuarded({ command, args, remove: folder, logFile: join(folder, 'redis.log') });
    try {
      await waitForRedis(url);
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  };
  let guarded = await start();
  return {
    url,
    pid: () => Number(guarded.firstLine),
    kill: async () => {
      process.kill(Number(guarded.firstLine), 'SIGKILL');
      await guarded.exited;
    },
    restart: async () => {
      if (guarded.child.exitCode === null && guarded.child.signalCode === null) {
        process.kill(Number(guarded.firstLine), 'SIGKILL');
        await guarded.exited;
      }
      guarded = await start();
    },
    stop: async () => {
      await guarded.stop();
      // After a crash the guard leaves the folder.
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function redisArguments(folder: string, port: number, appendOnly: boolean): string[] {
  const network = ['--bind', '127.0.0.1', '--port', String(port)];
  // BullMQ needs noeviction: an evicting Redis drops acknowledged jobs. No snapshots: they fork at odd times.
  const memory = ['--maxmemory-policy', 'noeviction', '--save', ''];
  const log = appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  return [...network, '--dir', folder, ...memory, ...log];
}

// The server and its checking tools are one binary that acts by the name it was called with.
function namedRedisServer(binary: string, folder: string): string {
  if (basename(binary) === 'redis-server') return binary;
  const link = join(folder, 'redis-server');
  rmSync(link, { force: true });
  symlinkSync(binary, link);
  return link;
}
