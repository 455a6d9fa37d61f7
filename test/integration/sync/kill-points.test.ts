import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Binary } from 'mongodb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { operationKey } from '../../../src/domain/sync/identity.ts';
import { SuspectWaits } from '../../../src/jobs/process-sync-batch.ts';
import { requeueStrandedBatches } from '../../../src/jobs/requeue-stranded-batches.ts';
import { tellFigures } from '../../support/figures.ts';
import {
  beginStory,
  DEVICE,
  failingDecision,
  finalState,
  RECORDED_IDS,
  storeBatches,
  storeUpload,
  UPLOAD_ID,
} from './kill-story.ts';
import { type SyncEngine, said, syncEngine } from './sync-engine.ts';

/** Two cores, two stories at once, each in a database of its own. */
const LANES = 2;
/**
 * A part of the points fits the time of `npm test`: every third, from one of the first three on. `KILL_POINTS=2`
 * begins with the second, `KILL_POINTS=all` takes every one.
 */
const { KILL_POINTS } = process.env;
const EVERY = KILL_POINTS === 'all' ? 1 : 3;
const FIRST = KILL_POINTS === 'all' ? 1 : Number(KILL_POINTS ?? 1 + Math.trunc(Math.random() * EVERY));

/** Every kind of write, and what is told outside of the database: a story without one of them shows less. */
const EVERY_KIND = [
  'batches.findOneAndUpdate',
  'batches.updateOne',
  'operations.insertMany',
  'lines.updateMany',
  'lines.bulkWrite',
  'sessions.bulkWrite',
  'conflicts.bulkWrite',
  'lockFences.bulkWrite',
  'locks.bulkWrite',
  'lockHistory.insertMany',
  'deviceSessions.insertMany',
  'outbox.insertMany',
  'dirtyPeriods.insertMany',
  'deadLetters.updateOne',
  'commit',
  'notifyOutbox',
  'ringAt',
  'batchApplied',
];

let lanes: SyncEngine[];
beforeAll(async () => {
  lanes = await Promise.all(Array.from({ length: LANES }, syncEngine));
});
afterAll(async () => {
  await Promise.all(lanes.map((lane) => lane.drop()));
});

/** The steps of the process, or undefined when it was killed. */
async function work(
  lane: SyncEngine,
  what: 'upload' | 'drain',
  killAfter: number,
): Promise<string[] | undefined> {
  const child = spawn(process.execPath, ['test/support/killed-worker.ts'], {
    env: {
      ...process.env,
      MONGODB_URL: inject('mongoUrl'),
      MONGODB_DB: lane.database.db.databaseName,
      KILL_AFTER: String(killAfter),
      WORK: what,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (signal === 'SIGKILL') return undefined;
  expect(code).toBe(0);
  return JSON.parse(output) as string[];
}

/** Another worker takes over, as often as the queue would let it. */
async function finish(lane: SyncEngine): Promise<void> {
  const waiting = { device_id: DEVICE, state: { $ne: 'applied' as const } };
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      await lane.drain(DEVICE, { suspectLeaseMs: 1, decide: failingDecision });
      if ((await lane.database.batches.countDocuments(waiting)) === 0) return;
    } catch (error) {
      if (!(error instanceof SuspectWaits)) throw error;
    }
  }
  throw new Error('the batches were never applied');
}

async function story(lane: SyncEngine, killAfter: number): Promise<string[] | undefined> {
  await beginStory(lane.database, (deviceId) => lane.drain(deviceId));
  await storeBatches(lane.database);
  const steps = await work(lane, 'drain', killAfter);
  await finish(lane);
  return steps;
}

/** What must hold whatever the reference says: once in the ledger, one start per lock, each event once. */
async function audit({ database }: SyncEngine): Promise<void> {
  const keys = RECORDED_IDS.map((id) => new Binary(operationKey(DEVICE, 'e1', id)));
  expect(await database.operations.countDocuments({ _id: { $in: keys } })).toBe(RECORDED_IDS.length);
  const locks = await database.locks.find().toArray();
  const starts = await database.lockHistory.find({ event: 'created' }).toArray();
  expect(starts.map(({ lock_id }) => lock_id)).toEqual(locks.map(({ lock_id }) => lock_id));
  const events = (await database.outbox.find().toArray()).map(({ event }) => JSON.stringify(event));
  expect(new Set(events).size).toBe(events.length);
}

test('a worker that is killed after any step of applying leaves the same final state', async (context) => {
  const steps = await story(lanes[0]!, 0);
  const reference = await finalState(lanes[0]!.database);
  expect(steps!.length).toBeGreaterThan(100);
  for (const step of EVERY_KIND) expect(steps).toContain(step);
  const points = steps!.map((_, index) => index + 1).filter((point) => (point - FIRST) % EVERY === 0);
  const waiting = [...points];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
        const where = `killed after step ${point}, ${steps![point - 1]}`;
        const through = await story(lane, point);
        // Only a run that made fewer rounds than the first one may end before its point.
        expect(through?.length ?? 0, where).toBeLessThan(point);
        expect(await finalState(lane.database), where).toEqual(reference);
        await audit(lane);
      }
    }),
  );
  console.info(`${points.length} of ${steps!.length} kill points, KILL_POINTS=${FIRST}`);
  tellFigures(context, { 'kill points': points.length });
}, 900_000);

test('an API that is killed after any step of an upload: it is sent again, or the sweep rings', async () => {
  const [lane] = lanes as [SyncEngine];
  for (const [point, stored] of [false, true].entries()) {
    await beginStory(lane.database, (deviceId) => lane.drain(deviceId));
    expect(await work(lane, 'upload', point + 1)).toBeUndefined();
    expect(await lane.database.batches.countDocuments({ _id: UPLOAD_ID })).toBe(stored ? 1 : 0);
    // No answer came, so the device sends it again under its id.
    if (!stored) expect(await storeUpload(lane.database)).toBe(true);
    const past = new Date(Date.now() - 60_000);
    await lane.database.batches.updateOne({ _id: UPLOAD_ID }, { $set: { received_at: past } });
    const rung: string[] = [];
    const { logger } = lane.dependencies;
    const ringAgain = async ({ device_id }: { device_id: string }) => {
      rung.push(device_id);
    };
    await requeueStrandedBatches({ database: lane.database, logger, ringAgain });
    expect(rung).toEqual([DEVICE]);
    await finish(lane);
    expect(said(await lane.results(UPLOAD_ID))).toEqual(['applied']);
    expect(await storeUpload(lane.database)).toBe(false);
  }
});
