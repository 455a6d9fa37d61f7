// Batches whose ring was lost: every device is rung again, and none that has not waited yet.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newBatchRow } from '../../../src/db/sync/new-batch-row.ts';
import { requeueStrandedBatches } from '../../../src/jobs/requeue-stranded-batches.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { type SyncEngine, syncEngine } from './sync-engine.ts';

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

const DEVICES = 2_300;

/** Rows as an upload leaves them, one for each device, received that long ago. */
async function store(devices: readonly string[], ageMs: number): Promise<void> {
  const like = await engine.store([sent.start(1)]);
  const { _id, ...row } = (await engine.database.batches.findOneAndDelete({ _id: like }))!;
  const received_at = new Date(row.received_at.getTime() - ageMs);
  await engine.database.batches.insertMany(
    devices.map((device_id) => newBatchRow({ ...row, _id: `batch of ${device_id}`, device_id, received_at })),
  );
}

describe('the sweep of stranded batches', () => {
  it('rings all of thousands of devices in one go, the longest waiting first', async () => {
    const devices = Array.from({ length: DEVICES }, (_, n) => `phone ${n}`);
    await store(devices, 11_000);
    await store(['the first'], 60_000);
    await store(['just now'], 0);
    const rung: string[] = [];
    const count = await requeueStrandedBatches({
      database: engine.database,
      logger: pino({ level: 'silent' }),
      ringAgain: async ({ device_id }) => {
        rung.push(device_id);
      },
    });
    expect(rung[0]).toBe('the first');
    expect(rung.toSorted()).toEqual([...devices, 'the first'].toSorted());
    expect(count).toBe(DEVICES + 1);
  });
});
