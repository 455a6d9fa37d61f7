import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Services } from '../../../tools/services/start-services.ts';
import type { Random } from '../random.ts';
import type { Fleet, Member, Role } from '../surroundings/fleet.ts';

export const FAULT_KINDS = [
  'kill_worker',
  'kill_api',
  'kill_scheduler',
  'pause_worker',
  'redis_flush',
  'redis_kill',
  'mongo_kill',
  'cut_mongo',
  'cut_redis',
  'cut_clients',
  'half_open_mongo',
  'half_open_redis',
  'half_open_clients',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Stage {
  fleet: Fleet;
  services: Services;
  random: Random;
}

/** Longer than the 10 s for which a job is its worker's: it is given to another one, and then runs twice. */
const PAUSE_MS = { from: 11_000, to: 15_000 };

/** Brings one fault about; resolves with what it struck once it is healed. */
export async function strike(kind: FaultKind, stage: Stage): Promise<void> {
  const { random, services } = stage;
  const downMs = random.between(200, 3_000);
  switch (kind) {
    case 'kill_worker':
      return one(stage, 'worker').crash(downMs);
    case 'kill_api':
      return one(stage, 'api').crash(downMs);
    case 'kill_scheduler':
      return one(stage, 'scheduler').crash(downMs);
    case 'pause_worker':
      return one(stage, 'worker').pause(random.between(PAUSE_MS.from, PAUSE_MS.to));
    case 'redis_flush':
      return flush(services.redisUrl);
    case 'redis_kill':
      return restart(services.servers.redis, downMs);
    case 'mongo_kill':
      return restart(services.servers.mongo, downMs);
    case 'cut_mongo':
      return random.pick(stage.fleet.members).links.mongo.cut();
    case 'cut_redis':
      return random.pick(stage.fleet.members).links.redis.cut();
    case 'cut_clients':
      return one(stage, 'api').links.clients.cut();
    case 'half_open_mongo':
      return hang(random.pick(stage.fleet.members), 'mongo', random);
    case 'half_open_redis':
      return hang(random.pick(stage.fleet.members), 'redis', random);
    case 'half_open_clients':
      return hang(one(stage, 'api'), 'clients', random);
    default:
      return kind satisfies never;
  }
}

/** Whether this machine's servers can be struck so: only those that were started here and can be started again. */
export function isPossible(kind: FaultKind, { servers }: Services): boolean {
  if (kind === 'redis_kill') return servers.redis !== undefined;
  return kind === 'mongo_kill' ? servers.mongo !== undefined : true;
}

const one = ({ fleet, random }: Stage, role: Role): Member =>
  random.pick(fleet.members.filter((member) => member.role === role));

async function hang(member: Member, link: keyof Member['links'], random: Random): Promise<void> {
  const proxy = member.links[link];
  proxy.freeze();
  await sleep(random.between(2_000, 8_000));
  proxy.thaw(random.chance(0.5) ? 'passes' : 'is reset');
}

async function restart(server: Services['servers']['mongo'], downMs: number): Promise<void> {
  await server?.kill();
  await sleep(downMs);
  await server?.restart();
}

async function flush(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  // Every failure also rejects the command.
  redis.on('error', () => {});
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}
