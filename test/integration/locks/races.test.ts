import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { releaseLockNow, takeLockNow } from '../../../src/db/locks/lock-now.ts';
import { endDueLocks } from '../../../src/jobs/end-due-locks.ts';
import { MAX, SUE, type SyncEngine, said, syncEngine } from '../sync/sync-engine.ts';
import { count, type Dispute, dispute, lineOf } from './disputes.ts';
import { age, request, take } from './lock-database.ts';
import { expectSettled } from './settled.ts';

const ROUNDS = 20;
const JITTER_MS = 12;
/** A lock runs out within this, about as long as the contenders take, so that each of them is first at times. */
const RUNS_OUT_MS = 80;
const SEED = 20_261;

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

/** Mulberry32: the same delays in each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Contender<T> = () => Promise<T>;

/** Starts them up to 12 ms apart, in any order. */
const race = <T extends readonly Contender<unknown>[]>(chance: () => number, ...contenders: T) =>
  Promise.all(
    contenders.map(async (contend) => {
      await sleep(chance() * JITTER_MS);
      return contend();
    }),
  ) as Promise<{ [K in keyof T]: Awaited<ReturnType<T[K]>> }>;

/** Runs 20 rounds, each on an item of its own, and checks the item after each; returns what was seen, sorted. */
async function rounds(name: string, round: (of: Dispute, chance: () => number) => Promise<string>) {
  const chance = random(SEED);
  const seen = new Set<string>();
  for (let n = 0; n < ROUNDS; n += 1) {
    const of = await dispute(engine, `${name} ${n}`);
    seen.add(await round(of, chance));
    await expectSettled(engine.database, of);
  }
  return [...seen].toSorted();
}

const endDue = () =>
  endDueLocks({ database: engine.database, notifyOutbox: () => {}, ringAt: async () => {} });

/** The item's lock then runs out while the contenders are at it. */
async function runsOutSoon(of: Dispute, chance: () => number): Promise<void> {
  const lock = await engine.database.locks.findOne({ item_code: of.item_code });
  const leftMs = lock!.expires_at.getTime() - Date.now();
  await age(engine.database, of.item_code, (leftMs - Math.ceil(chance() * RUNS_OUT_MS)) / 1000);
}

function expectOnly(seen: string[], defined: readonly string[]): void {
  for (const outcome of seen) expect(defined).toContain(outcome);
}

describe('races end in one defined result', () => {
  test('resolution and resolution', async () => {
    const seen = await rounds('two resolve', async (of, chance) => {
      const merged_value = { counted_qty: 8 };
      const [one, other] = await race(
        chance,
        () => engine.resolve(of.conflict_id, {}, SUE),
        () => engine.resolve(of.conflict_id, { resolution: 'merge', merged_value }, MAX),
      );
      const line = await lineOf(engine, of);
      return `${one.kind}, ${other.kind}: ${line!.counted_qty} v${line!.version}`;
    });
    expectOnly(seen, ['resolved, already_resolved: 7 v2', 'already_resolved, resolved: 8 v2']);
  });

  test('resolution and upload of the same line', async () => {
    const seen = await rounds('resolve and upload', async (of, chance) => {
      const [answer, result] = await race(
        chance,
        () => engine.resolve(of.conflict_id, {}),
        () => count(engine, { ...of, counted_qty: 11, base_version: 1 }, { device_id: 'phone-B' }),
      );
      const line = await lineOf(engine, of);
      return `${answer.kind}, ${said([result])}: ${line!.counted_qty} v${line!.version}`;
    });
    expectOnly(seen, [
      // While the conflict's lock stands the upload meets it; once it is resolved, the resolved line.
      'resolved, conflict lock_conflict: 7 v2',
      'resolved, conflict update_conflict: 7 v2',
    ]);
  });

  test('resolution and expiry', async () => {
    const seen = await rounds('resolve and expire', async (of, chance) => {
      await runsOutSoon(of, chance);
      const [answer] = await race(chance, () => engine.resolve(of.conflict_id, {}), endDue);
      await sleep(RUNS_OUT_MS);
      await endDue();
      const end = await engine.database.lockHistory.findOne({ item_code: of.item_code, ended: true });
      return `${answer.kind}, ${end!.event}: v${(await lineOf(engine, of))!.version}`;
    });
    expectOnly(seen, ['resolved, resolved: v2', 'resolved, expired: v2']);
  });

  test('resolution and claim by another', async () => {
    const seen = await rounds('resolve and claim', async (of, chance) => {
      const [answer, claim] = await race(
        chance,
        () => engine.resolve(of.conflict_id, {}, SUE),
        () => engine.claim(of.conflict_id, MAX),
      );
      return `${answer.kind}, ${claim.kind}: v${(await lineOf(engine, of))!.version}`;
    });
    expectOnly(seen, ['resolved, already_resolved: v2', 'item_locked, claimed: v1']);
  });

  test('claim and expiry', async () => {
    const seen = await rounds('claim and expire', async (of, chance) => {
      await runsOutSoon(of, chance);
      const [claim] = await race(chance, () => engine.claim(of.conflict_id, MAX), endDue);
      const first = await engine.database.lockHistory.findOne({
        item_code: of.item_code,
        fence: 1,
        ended: true,
      });
      return `${claim.kind}, ${first!.event}`;
    });
    expectOnly(seen, ['claimed, released', 'claimed, expired']);
  });

  test('release, expiry and take', async () => {
    const seen = await rounds('release, expire, take', async (of, chance) => {
      // The conflict's own lock goes first, so that a person holds the item.
      await age(engine.database, of.item_code, 901);
      const held = await take(engine.database, of.item_code, 'sue');
      await runsOutSoon(of, chance);
      const [released, , taken] = await race(
        chance,
        () =>
          releaseLockNow(engine.database, {
            item_code: of.item_code,
            fence: held.fence,
            user_id: 'sue',
            actor: SUE,
          }),
        endDue,
        () => takeLockNow(engine.database, request(of.item_code, 'max')),
      );
      await sleep(RUNS_OUT_MS);
      await endDue();
      const end = await engine.database.lockHistory.findOne({ lock_id: held.lock_id, ended: true });
      const holder = await engine.database.locks.findOne({ item_code: of.item_code });
      return `${released ? 'released' : 'lost'}, ${taken.taken ? 'taken' : 'held'}: ${end!.event}, ${holder?.locked_by}`;
    });
    expectOnly(seen, [
      'released, taken: released, max',
      'released, held: released, undefined',
      'lost, taken: expired, max',
      'lost, held: expired, undefined',
    ]);
  });
});
