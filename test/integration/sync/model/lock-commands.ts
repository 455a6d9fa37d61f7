import { expect } from 'vitest';
import {
  forceReleaseNow,
  releaseLockNow,
  renewLockNow,
  takeLockNow,
} from '../../../../src/db/locks/lock-now.ts';
import { person } from '../../../../src/domain/events/actor.ts';
import { endDueLocks } from '../../../../src/jobs/end-due-locks.ts';
import { release, renew, takeManually } from './people.ts';
import { type Step, step } from './step.ts';
import type { World } from './world.ts';

/** The lock's time is over; with `isTaken` the TTL index was first and its row is gone. */
export async function runOut({ engine, truth, items }: World, item: number, isTaken: boolean): Promise<void> {
  const lock = truth.lockOf(items[item]!);
  if (!lock) return;
  const { database } = engine;
  const expires_at = new Date(Date.now() - 60_000);
  const locked_at = new Date(expires_at.getTime() - 900_000);
  const of = { item_code: lock.item, fence: lock.fence };
  await database.locks.updateOne(of, { $set: { locked_at, expires_at } });
  if (isTaken) await database.locks.deleteOne(of);
  // The open entry says when the lock ends, too: it stands in for a row that the TTL index took.
  await database.lockHistory.updateMany({ ...of, open: true }, { $set: { locked_at, expires_at } });
  lock.over = true;
}

export async function endDue({ engine, truth }: World): Promise<void> {
  const { database } = engine;
  await endDueLocks({ database, notifyOutbox: () => {}, ringAt: async () => {} });
  truth.endOver();
}

export async function lockItem(
  { engine, truth, items, sessions }: World,
  item: number,
  session: number,
  who: string,
): Promise<void> {
  const [item_code, session_id] = [items[item]!, sessions[session]!];
  const actor = person(who, 'supervisor');
  const request = {
    item_code,
    session_id,
    locked_by: who,
    reason: 'manual' as const,
    ttl_seconds: 900,
    actor,
  };
  const outcome = await takeLockNow(engine.database, request);
  expect(outcome.taken).toBe(takeManually(truth, item_code, session_id, who));
}

export function releasing({
  item,
  who,
  late,
  force,
}: {
  item: number;
  who: string;
  late: boolean;
  force: boolean;
}): Step {
  const name = `${force ? 'force' : 'release'} ${item} by ${who}${late ? ', of an older fence' : ''}`;
  return step(name, async ({ engine, truth, items }) => {
    const item_code = items[item]!;
    const fence = (truth.lockOf(item_code)?.fence ?? 1) - (late ? 1 : 0);
    const actor = person(who, force ? 'admin' : 'supervisor');
    const done = force
      ? await forceReleaseNow(engine.database, { item_code, fence, actor })
      : await releaseLockNow(engine.database, { item_code, fence, user_id: who, actor });
    expect(done !== undefined).toBe(release(truth, item_code, who, fence, force));
  });
}

/** Always to the full 15 minutes from now: the lock's own end must not move past its beginning's (L2). */
export function renewing({ item, by, late }: { item: number; by: string; late: boolean }): Step {
  return step(`renew ${item} by ${by}${late ? ', of an older fence' : ''}`, async (world) => {
    const { engine, truth, items } = world;
    const item_code = items[item]!;
    const lock = truth.lockOf(item_code);
    const who = by === 'its holder' ? (lock?.by ?? 'sue') : by;
    const fence = (lock?.fence ?? 1) - (late ? 1 : 0);
    const wish = { item_code, fence, user_id: who, ttl_seconds: 900, actor: person(who, 'supervisor') };
    const done = await renewLockNow(engine.database, wish);
    expect(done !== undefined).toBe(renew(truth, item_code, who, fence));
  });
}

/** Somebody locks an item and counts it, as a supervisor does who settles it on the spot. */
export function countingUnderOwnLock({
  phone,
  item,
  qty,
}: {
  phone: number;
  item: number;
  qty: number;
}): Step {
  return step(`lock ${item} by ana, who counts ${qty} of it on ${phone}`, async (world) => {
    await lockItem(world, item, 0, 'ana');
    const own = world.phones[phone]!;
    const [session, code] = [world.sessions[0]!, world.items[item]!];
    const now = Math.trunc(Date.now() / 1000) * 1000;
    own.enqueue({ kind: 'count', session, item: code, place: '', qty, base: 0, at: now, made: now });
    const sent = { user: 'ana', dressed: false, heard: true, sentAt: new Date() };
    await world.send({ phone: own, ...own.waiting(), ...sent });
    await world.drain(own, 1);
  });
}
