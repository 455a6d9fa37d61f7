// The engine as the product runs it: `src/main.ts` in a process of its own, known only by its address.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { startGuarded } from './guarded-process.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const START_LIMIT_MS = 30_000;

export interface EngineSettings {
  mongoUrl: string;
  databaseName: string;
  redisUrl: string;
  redisPrefix: string;
  jwtSecret: string;
  timezone: string;
  /** The process that starts the engine again may ask for the port that its clients know. Default: a free one. */
  port?: number;
  /** More of the environment, for example `ENGINE_ROLES` or `NODE_OPTIONS`. */
  more?: Readonly<Record<string, string>>;
}

export interface EngineProcess {
  url: string;
  /** What the engine was started with; the project's scripts run with it too. */
  env: NodeJS.ProcessEnv;
  /** The engine's own process, for signals such as SIGSTOP. */
  pid: number;
  /** Resolves when the process is gone, however it ended. */
  exited: Promise<void>;
  /** SIGTERM, and waits until it is gone. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash: nothing is handed back. Resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Starts the engine on a free port and waits until it is ready. It ends with this process, however that ends. */
export async function startEngineProcess(settings: EngineSettings, logFile: string): Promise<EngineProcess> {
  const port = settings.port ?? (await freePort());
  const env = engineEnvironment(settings, port);
  const guarded = await startGuarded({ command: process.execPath, args: [MAIN], env, logFile });
  const url = `http://127.0.0.1:${port}`;
  // The guard prints the engine's own process id, and leaves when the engine is gone.
  const pid = Number(guarded.firstLine);
  let hasEnded = false;
  const exited = guarded.exited.then(() => {
    hasEnded = true;
  });
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await isReady(url))) {
    if (hasEnded) throw new Error('the engine ended before it was ready');
    if (performance.now() > deadline) {
      await guarded.stop();
      throw new Error(`the engine was not ready within ${START_LIMIT_MS / 1000} s`);
    }
    await sleep(50);
  }
  return {
    url,
    env,
    pid,
    exited,
    stop: guarded.stop,
    kill: async () => {
      if (!hasEnded) process.kill(pid, 'SIGKILL');
      await exited;
    },
  };
}

/** Whatever else is set in the shell of the person who starts it, it must not change what is shown. */
function engineEnvironment(settings: EngineSettings, port: number): NodeJS.ProcessEnv {
  return {
    ...process.env,
    MONGODB_URL: settings.mongoUrl,
    MONGODB_DB: settings.databaseName,
    REDIS_URL: settings.redisUrl,
    QUEUE_PREFIX: settings.redisPrefix,
    JWT_SECRET: settings.jwtSecret,
    HOST: '127.0.0.1',
    PORT: String(port),
    BUSINESS_TIMEZONE: settings.timezone,
    LOG_LEVEL: 'info',
    // Empty counts as missing: the defaults.
    NIGHTLY_CRON: '',
    ACCURACY_TOLERANCE_PERCENT: '',
    MAX_COUNT_AGE_DAYS: '',
    ENGINE_ROLES: '',
    ALLOWED_ORIGINS: '',
    COUNT_SESSIONS_COLLECTION: '',
    ...settings.more,
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
