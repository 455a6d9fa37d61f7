// A supervisor who works through the conflicts, sometimes together with a colleague, and locks items by hand.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConflictView,
  claim,
  type Person,
  pendingConflicts,
  release,
  renew,
  resolve,
  takeLock,
} from './person.ts';

/** More than this waiting, and they are decided in bulk. */
const BULK_FROM = 40;

/** Decides conflicts until the signal. `colleague` is the other one in a race. */
export async function runSupervisor(person: Person, colleague: Person, signal: AbortSignal): Promise<void> {
  const { random } = person;
  while (!signal.aborted) {
    const conflicts = await pendingConflicts(person);
    if (conflicts.length >= BULK_FROM) await resolveInBulk(person, random.pick(conflicts));
    for (const conflict of random.sample(conflicts, random.between(1, 4))) {
      if (signal.aborted) return;
      await decide(conflict, person, colleague);
    }
    if (random.chance(0.4)) await lockByHand(person, conflicts);
    await sleep(random.between(80, 500));
  }
}

async function decide(conflict: ConflictView, person: Person, colleague: Person): Promise<void> {
  const { random } = person;
  const way = random.next();
  if (way < 0.4) {
    await resolve(conflict, person);
  } else if (way < 0.55) {
    await Promise.all([resolve(conflict, person), resolve(conflict, colleague)]);
  } else {
    const { lock } = await claim(conflict, person);
    if (!lock) return;
    const { item_code } = conflict;
    if (random.chance(0.3))
      await renew(person, item_code, { fence: lock.fence, ttl_seconds: random.between(5, 900) });
    if (random.chance(0.2)) await release(person, item_code, { fence: lock.fence });
    else await resolve(conflict, person, { fence: lock.fence });
  }
}

async function resolveInBulk({ api, random }: Person, { session_id }: ConflictView): Promise<void> {
  const resolution = random.pick(['keep_local', 'keep_server']);
  await api({
    method: 'POST',
    path: '/api/sync/conflicts/resolve',
    body: { session_id, resolution, limit: 50 },
  });
}

/** Locks an item for a few seconds, of a conflict or of nobody, and then lets go or forgets it. */
async function lockByHand(person: Person, conflicts: readonly ConflictView[]): Promise<void> {
  const { random } = person;
  const free = { item_code: `HAND-${random.between(1, 20)}`, session_id: 'T0-S0' };
  const { item_code, session_id } =
    conflicts.length > 0 && random.chance(0.3) ? random.pick(conflicts) : free;
  const { lock } = await takeLock(person, { item_code, session_id, ttl_seconds: random.between(1, 4) });
  if (!lock) return;
  if (random.chance(0.3))
    await renew(person, item_code, { fence: lock.fence, ttl_seconds: random.between(1, 6) });
  if (random.chance(0.4)) await release(person, item_code, { fence: lock.fence });
}
