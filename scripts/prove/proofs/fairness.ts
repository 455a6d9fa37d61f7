import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProducer } from '../../../src/queues/producer.ts';
import { producerConnection } from '../../../src/queues/redis-connections.ts';
import { percentile } from '../expiring-locks.ts';
import { type OwnEngine, withOwnEngine } from '../own-engine.ts';
import type { Figure, Proof } from '../proof.ts';
import { upload } from '../upload.ts';
import { countOf, startOf, storeWaiting, uploadOf } from '../waiting-batches.ts';

const WAITING = 50;
const OPERATIONS = 20;
const ROUNDS = 20;
/** Other devices that upload their first batch while the others wait, and the pause between them. */
const PROBES = 4;
const PAUSE_MS = 100;
const PATIENCE_S = 30;
const AT_MOST = 1.2;

type Ring = (deviceId: string) => Promise<void>;

export const proof: Proof = {
  name: 'fairness',
  letters: ['S4'],
  about: `another device's first batch while one device holds ${WAITING} batches, against ${WAITING} devices with one`,
  run: async (context) => {
    const redis = producerConnection(context.services.redisUrl);
    return withOwnEngine(context, '', async (engine) => {
      const producer = createProducer({ redis, prefix: engine.redisPrefix });
      await producer.start();
      const ring: Ring = (device_id) => producer.ring({ v: 1, type: 'process-sync-batch', device_id });
      const held: number[] = [];
      const spread: number[] = [];
      try {
        // Side by side, so that both meet the same machine.
        for (let round = 1; round <= ROUNDS; round += 1) {
          held.push(...(await probe(engine, ring, 1)));
          spread.push(...(await probe(engine, ring, WAITING)));
          if (round % 5 === 0) context.report(`${round} of ${ROUNDS} rounds`);
        }
      } finally {
        await producer.stop();
      }
      return figuresOf(held, spread);
    });
  },
};

function figuresOf(held: readonly number[], spread: readonly number[]): Figure[] {
  const ms = (name: string, of: readonly number[], percent: number): Figure => ({
    name: `${name}, p${percent}`,
    value: Math.round(percentile(of, percent / 100)),
    unit: 'ms',
  });
  const value = Math.round((100 * percentile(held, 0.95)) / percentile(spread, 0.95)) / 100;
  return [
    ms('one device holds 50', held, 50),
    ms('one device holds 50', held, 95),
    ms('50 devices hold one', spread, 50),
    ms('50 devices hold one', spread, 95),
    { name: 'p95 : p95', value, unit: '', atMost: AT_MOST },
    { name: 'first batches', value: held.length + spread.length, unit: 'batches' },
  ];
}

/** From the answer 202 to the verdicts, in ms, for devices that come while 50 batches of `devices` wait. */
async function probe(engine: OwnEngine, ring: Ring, devices: number): Promise<number[]> {
  const tag = randomUUID();
  const names = Array.from({ length: devices }, (_, n) => `${tag}-${n}`);
  for (let n = 0; n < WAITING; n += 1) {
    const device = names[n % devices]!;
    const session_id = `${tag}-${n}`;
    const counts = Array.from({ length: OPERATIONS - 1 }, (_, k) =>
      countOf(n * OPERATIONS + k + 2, session_id, `item ${k}`),
    );
    await storeWaiting(engine.database, device, [startOf(n * OPERATIONS + 1, session_id), ...counts]);
  }
  await Promise.all(names.map(ring));
  const waits: Promise<number>[] = [];
  for (let n = 0; n < PROBES; n += 1) {
    waits.push(firstBatch(engine, `${tag}-probe-${n}`));
    await sleep(PAUSE_MS);
  }
  const times = await Promise.all(waits);
  await untilApplied(engine);
  return times;
}

async function firstBatch(engine: OwnEngine, device: string): Promise<number> {
  const batch = uploadOf(device, [startOf(1, device), countOf(2, device, 'bolt')]);
  const stored = await upload(engine, batch);
  if (stored.status !== 202) throw new Error(`an upload was answered ${stored.status}`);
  // Sent again it is recognised, and waits for its verdicts.
  const applied = await upload(engine, batch, PATIENCE_S);
  if (applied.status !== 200) throw new Error(`a batch was not applied within ${PATIENCE_S} s`);
  return applied.ms;
}

async function untilApplied({ database }: OwnEngine): Promise<void> {
  const until = performance.now() + 1_000 * 60;
  while ((await database.batches.countDocuments({ state: { $ne: 'applied' } }, { limit: 1 })) > 0) {
    if (performance.now() > until) throw new Error('the waiting batches were not applied within a minute');
    await sleep(20);
  }
}
