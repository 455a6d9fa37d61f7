// The engine as several processes, each behind proxies of its own and at an address that survives its restarts.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type EngineProcess,
  type EngineSettings,
  startEngineProcess,
} from '../../../tools/processes/engine-process.ts';
import { freePort } from '../../../tools/processes/free-port.ts';
import { openProxy, type TcpProxy } from './proxy.ts';

export type Role = 'api' | 'worker' | 'scheduler';

const ENGINE_ROLES: Record<Role, string> = { api: 'api,relay', worker: 'worker', scheduler: 'scheduler' };
const SIZES: Record<Role, number> = { api: 2, worker: 2, scheduler: 1 };

/** One engine process with its three links: from its clients, to MongoDB, to Redis. */
export interface Member {
  name: string;
  role: Role;
  links: Record<'clients' | 'mongo' | 'redis', TcpProxy>;
  /** SIGKILL, and a start `afterMs` later, again and again until it is ready. */
  crash(afterMs: number): Promise<void>;
  /** SIGSTOP, and SIGCONT `forMs` later. */
  pause(forMs: number): Promise<void>;
}

export interface Fleet {
  members: Member[];
  /** Where the API processes are reached, through their proxies. */
  apiUrls: string[];
  /** Processes that ended without being killed. */
  ownEnds: string[];
  stop(): Promise<void>;
}

export interface FleetSettings {
  mongoUrl: string;
  redisUrl: string;
  databaseName: string;
  jwtSecret: string;
  logFile: string;
  /** For the negative controls: what Node loads before the engine. */
  preload?: string | undefined;
}

/** Starts two API and relay, two worker and one scheduler process, and waits until all are ready. */
export async function startFleet(settings: FleetSettings): Promise<Fleet> {
  const fleet = { ownEnds: [] as string[], closing: false };
  const starts = await Promise.allSettled(
    Object.entries(SIZES).flatMap(([role, size]) =>
      Array.from({ length: size }, (_, index) => startMember(settings, role as Role, index + 1, fleet)),
    ),
  );
  const started = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    fleet.closing = true;
    await Promise.all(started.map((each) => each.stop()));
  };
  const failed = starts.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw new Error(`the engine did not start, see ${settings.logFile}: ${failed.reason}`);
  }
  const members = started.map(({ member }) => member);
  return {
    members,
    apiUrls: members
      .filter(({ role }) => role === 'api')
      .map(({ links }) => `http://127.0.0.1:${links.clients.port}`),
    ownEnds: fleet.ownEnds,
    stop,
  };
}

async function startMember(
  settings: FleetSettings,
  role: Role,
  number: number,
  fleet: { ownEnds: string[]; closing: boolean },
) {
  const name = `${role}-${number}`;
  const port = await freePort();
  const links = {
    clients: await openProxy(port),
    mongo: await openProxy(Number(new URL(settings.mongoUrl).port)),
    redis: await openProxy(Number(new URL(settings.redisUrl).port)),
  };
  const closeLinks = () => Promise.all(Object.values(links).map((link) => link.close()));
  const engine: EngineSettings = {
    // A replica set's own list of hosts would lead around the proxy.
    mongoUrl: `mongodb://127.0.0.1:${links.mongo.port}/?directConnection=true`,
    redisUrl: `redis://127.0.0.1:${links.redis.port}`,
    databaseName: settings.databaseName,
    redisPrefix: '{chaos}',
    jwtSecret: settings.jwtSecret,
    timezone: 'UTC',
    port,
    more: {
      ENGINE_ROLES: ENGINE_ROLES[role],
      ...(settings.preload === undefined ? {} : { NODE_OPTIONS: `--import=${settings.preload}` }),
    },
  };
  const start = async (): Promise<EngineProcess> => {
    const process = await startEngineProcess(engine, settings.logFile);
    process.exited.then(() => {
      if (expected !== process && !fleet.closing) {
        fleet.ownEnds.push(name);
        restart(500);
      }
    });
    return process;
  };
  // The process whose end is nobody's fault but ours.
  let expected: EngineProcess | undefined;
  let current: EngineProcess | undefined;
  try {
    current = await start();
  } catch (error) {
    await closeLinks();
    throw error;
  }
  // One restart at a time; a server that is away at the start ends the process, so it is started once more.
  let restarting: Promise<void> = Promise.resolve();
  const restart = (afterMs: number): Promise<void> => {
    restarting = restarting.then(async () => {
      await sleep(afterMs);
      for (current = undefined; !current && !fleet.closing; ) {
        current = await start().catch(() => sleep(500).then(() => undefined));
      }
    });
    return restarting;
  };
  const member: Member = {
    name,
    role,
    links,
    crash: async (afterMs) => {
      await restarting;
      expected = current;
      await current?.kill();
      await restart(afterMs);
    },
    pause: async (forMs) => {
      await restarting;
      if (!current) return;
      const { pid } = current;
      process.kill(pid, 'SIGSTOP');
      await sleep(forMs);
      process.kill(pid, 'SIGCONT');
    },
  };
  const stop = async (): Promise<void> => {
    await restarting;
    await current?.stop();
    await closeLinks();
  };
  return { member, stop };
}
