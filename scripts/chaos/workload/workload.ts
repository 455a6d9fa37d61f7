// All who work on the engine: phones in teams, two supervisors, and one who is held up together with those who
// take over.
import type { Journal } from '../journal.ts';
import type { ChaosOptions } from '../options.ts';
import { randomFor } from '../random.ts';
import { apiOf, signToken } from './api.ts';
import { type DeviceRun, runDevice } from './device.ts';
import { operationSource } from './operations.ts';
import { runPausedHolder } from './paused-holder.ts';
import type { Person } from './person.ts';
import { runSupervisor } from './supervisor.ts';
import { type Watched, watchEvents } from './watcher.ts';

export interface Workload {
  /** Resolves when every device has sent what it makes, or nearly: what is left is what waits for verdicts. */
  sent: Promise<void>;
  /** Resolves when every operation has a lasting verdict, and the people are done. */
  finished: Promise<void>;
  /** What two supervisors saw over WebSocket; resolves after `finished`. */
  watched: Promise<Watched[]>;
  /** Ends all waiting. */
  end(): void;
}

const TEAMS = 3;
const PHONES_PER_TEAM = 3;

/** A long run takes its time, so that there is some for every kind of fault. */
const LONG_RUN_OPS = 5_000;
const LONG_THINK_MS = 5_000;
const SHORT_THINK_MS = 400;

export async function startWorkload(given: {
  options: ChaosOptions;
  journal: Journal;
  apiUrls: readonly string[];
  jwtSecret: string;
}): Promise<Workload> {
  const { options, journal, apiUrls, jwtSecret: secret } = given;
  const devicesOver = new AbortController();
  const peopleOver = new AbortController();
  const phones = await Promise.all(
    Array.from({ length: TEAMS * PHONES_PER_TEAM }, (_, index) => phoneOf(given, index, devicesOver.signal)),
  );
  const person = async (user: string, role: 'supervisor' | 'admin' = 'supervisor'): Promise<Person> => ({
    user,
    api: await apiOf(apiUrls, { secret, user, role }),
    journal,
    random: randomFor(options.seed, user),
  });
  const [first, second] = [await person('supervisor-1'), await person('supervisor-2')];
  const takeover = {
    holder: await person('supervisor-3'),
    rival: await person('supervisor-4'),
    admin: await person('admin-1', 'admin'),
  };
  const people = Promise.all([
    runSupervisor(first, second, peopleOver.signal),
    runSupervisor(second, first, peopleOver.signal),
    runPausedHolder(takeover, peopleOver.signal),
  ]);
  const token = await signToken({ secret, user: 'supervisor-1', role: 'supervisor' });
  const watching = [apiUrls, apiUrls.toReversed()].map((urls) => watchEvents(urls, token, peopleOver.signal));
  const runs = phones.map((phone) => {
    const sent = Promise.withResolvers<void>();
    const done = runDevice({ ...phone, onMade: sent.resolve }).finally(sent.resolve);
    return { sent: sent.promise, done };
  });
  const finished = Promise.all(runs.map(({ done }) => done)).then(async () => {
    peopleOver.abort();
    await people;
  });
  return {
    sent: Promise.all(runs.map(({ sent }) => sent)).then(() => {}),
    finished,
    watched: Promise.all(watching),
    end: () => {
      devicesOver.abort();
      peopleOver.abort();
    },
  };
}

async function phoneOf(
  { options, journal, apiUrls, jwtSecret: secret }: Parameters<typeof startWorkload>[0],
  index: number,
  signal: AbortSignal,
): Promise<Omit<DeviceRun, 'onMade'>> {
  const phones = TEAMS * PHONES_PER_TEAM;
  const [device_id, user] = [`phone-${index + 1}`, `staff-${index + 1}`];
  const random = randomFor(options.seed, device_id);
  const phone = { device_id, user, team: index % TEAMS, isLeader: index < TEAMS };
  return {
    api: await apiOf(apiUrls, { secret, user, role: 'staff' }),
    journal,
    random,
    signal,
    source: operationSource(phone, random),
    quota: Math.floor(options.ops / phones) + (index < options.ops % phones ? 1 : 0),
    thinkMs: options.ops >= LONG_RUN_OPS ? LONG_THINK_MS : SHORT_THINK_MS,
  };
}
