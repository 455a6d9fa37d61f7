// Somebody who claims an item, is held up until others have taken it over, and then goes on as if nothing was.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConflictView,
  claim,
  force,
  type Person,
  pendingConflicts,
  release,
  renew,
  resolve,
  takeLock,
} from './person.ts';

export interface Takeover {
  holder: Person;
  rival: Person;
  admin: Person;
}

/** Every late request of the holder must be answered `lock_lost` (invariant L5). Runs until the signal. */
export async function runPausedHolder(people: Takeover, signal: AbortSignal): Promise<void> {
  const { random } = people.holder;
  while (!signal.aborted) {
    const conflicts = await pendingConflicts(people.holder);
    if (conflicts.length > 0) await loseClaim(people, random.pick(conflicts));
    if (random.chance(0.5)) await loseByExpiry(people);
    await sleep(random.between(100, 600));
  }
}

/** Lost to an admin and a rival, or to a later claim of one's own: then only the fence tells. */
async function loseClaim({ holder, rival, admin }: Takeover, conflict: ConflictView): Promise<void> {
  const { item_code } = conflict;
  const first = await claim(conflict, holder);
  if (!first.lock) return;
  const byRival = holder.random.chance(0.5);
  if (byRival && (await force(admin, item_code)).status !== 204) return;
  const successor = byRival ? rival : holder;
  const second = await claim(conflict, successor);
  // Without the answer nobody knows whether the old fence is old.
  if (!second.lock) return;
  const late = { fence: first.lock.fence, isLate: true };
  if (holder.random.chance(0.4)) await renew(holder, item_code, { ...late, ttl_seconds: 60 });
  await resolve(conflict, holder, late);
  if (holder.random.chance(0.6)) await release(holder, item_code, late);
  await resolve(conflict, successor, { fence: second.lock.fence });
}

async function loseByExpiry({ holder, rival }: Takeover): Promise<void> {
  const wanted = { item_code: `LATE-${holder.random.between(1, 5)}`, session_id: 'T0-S0' };
  const first = await takeLock(holder, { ...wanted, ttl_seconds: 1 });
  if (!first.lock) return;
  await sleep(1_100);
  const second = await takeLock(rival, { ...wanted, ttl_seconds: 5 });
  if (!second.lock) return;
  await release(holder, wanted.item_code, { fence: first.lock.fence, isLate: true });
  await release(rival, wanted.item_code, { fence: second.lock.fence });
}
