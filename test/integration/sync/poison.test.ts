import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MongoNetworkError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { releaseLease, takeLease } from '../../../src/db/leases.ts';
import { decideChunk } from '../../../src/domain/sync/decide-chunk.ts';
import { SuspectWaits } from '../../../src/jobs/process-sync-batch.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { openSession, type SyncEngine, said, syncEngine } from './sync-engine.ts';

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
  await openSession(engine, 'S-1');
});
afterAll(() => engine.drop());

/** Counts of as many items as ids, so that each can be found again. */
const counts = (...ids: number[]) => ids.map((id) => sent.count(id, id, { item_code: `item ${id}` }));
const written = async (...ids: number[]) => {
  const item_code = { $in: ids.map((id) => `item ${id}`) };
  const lines = await engine.database.lines.find({ item_code }).sort({ counted_qty: 1 }).toArray();
  return lines.map(({ counted_qty, version }) => `${counted_qty} v${version}`);
};
const failing =
  (poison: number, error: () => Error): typeof decideChunk =>
  (items, ...rest) => {
    if (items.some((item) => item.id === poison)) throw error();
    return decideChunk(items, ...rest);
  };
const batch = (_id: string) => engine.database.batches.findOne({ _id });

describe('an operation whose decision throws', () => {
  test('is set aside alone, with a dead letter and an alert; the rest is applied', async () => {
    const device_id = 'throws';
    const id = await engine.store(counts(1, 2, 3), { device_id });
    await engine.drain(device_id, { decide: failing(2, () => new TypeError('no such thing')) });
    expect(said(await engine.results(id))).toEqual(['applied', 'rejected operation_failed', 'applied']);
    expect(await written(1, 2, 3)).toEqual(['1 v1', '3 v1']);
    const letters = await engine.database.deadLetters.find({ 'reference.device_id': device_id }).toArray();
    expect(letters).toMatchObject([
      {
        _id: `${id}/2`,
        source: 'sync_operation',
        reason: 'no such thing',
        reference: { batch_id: id, device_id, queue_epoch: 'e1', id: 2 },
      },
    ]);
    const alerts = (await engine.events()).filter(({ type }) => type === 'system_alert');
    expect(alerts).toMatchObject([{ payload: { entity_id: `${id}/2`, data: { code: 'dead_letter' } } }]);
  });

  test('sent again it keeps that verdict, also when it still throws', async () => {
    const device_id = 'throws';
    expect(said(await engine.upload(counts(2), { device_id }))).toEqual(['rejected operation_failed']);
    const id = await engine.store(counts(2, 3), { device_id });
    await engine.drain(device_id, { decide: failing(2, () => new TypeError('still')) });
    expect(said(await engine.results(id))).toEqual(['rejected operation_failed', 'duplicate']);
    expect(await batch(id)).toMatchObject({ state: 'applied' });
  });
});

test('an operation that a foreign unique index refuses for ever costs exactly itself', async () => {
  const device_id = 'foreign';
  await engine.database.lines.createIndex(
    { note: 1 },
    { unique: true, partialFilterExpression: { note: { $exists: true, $type: 'string' } } },
  );
  const noted = (id: number, note: string) => sent.count(id, id, { item_code: `item ${id}`, note });
  const items = [noted(61, 'first'), noted(62, 'first'), noted(63, 'other')];
  expect(said(await engine.upload(items, { device_id }))).toEqual([
    'applied',
    'rejected operation_failed',
    'applied',
  ]);
  await engine.database.lines.dropIndex('note_1');
});

test('a database that is away leaves the batch for later and counts no attempt', async () => {
  const device_id = 'away';
  const id = await engine.store(counts(11, 12), { device_id });
  const decide = failing(11, () => new MongoNetworkError('cut'));
  for (let n = 0; n < 6; n += 1) await expect(engine.drain(device_id, { decide })).rejects.toThrow('cut');
  expect(await batch(id)).toMatchObject({ state: 'processing', attempts: 0, next_item: 0, results: [] });
  await engine.drain(device_id);
  expect(said(await engine.results(id))).toEqual(['applied', 'applied']);
  expect(await engine.database.deadLetters.countDocuments({ 'reference.device_id': device_id })).toBe(0);
});

describe('an operation that kills its process', () => {
  test('is set aside after three deaths of its own; the others are applied exactly once', async () => {
    const device_id = 'kills';
    const id = await engine.store(counts(21, 22, 23), { device_id });
    const deaths = await dieUntilApplied(device_id, 22);
    // The first one took the whole batch with it, and did not tell which operation it was.
    expect(deaths).toBe(3);
    expect(said(await engine.results(id))).toEqual(['applied', 'rejected operation_failed', 'applied']);
    expect(await written(21, 22, 23)).toEqual(['21 v1', '23 v1']);
    expect(await engine.database.deadLetters.findOne({ _id: `${id}/22` })).toMatchObject({
      reason: 'It ended its process three times.',
    });
  });
  test('alone in its batch it is known at once', async () => {
    await engine.store(counts(31), { device_id: 'alone' });
    expect(await dieUntilApplied('alone', 31)).toBe(3);
  });
});

async function dieUntilApplied(device_id: string, poison: number): Promise<number> {
  for (let deaths = 0; deaths < 10; deaths += 1) {
    const child = spawn(process.execPath, ['test/support/poisoned-drain.ts'], {
      env: {
        ...process.env,
        MONGODB_URL: inject('mongoUrl'),
        MONGODB_DB: engine.database.db.databaseName,
        DEVICE_ID: device_id,
        POISON_ID: String(poison),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code, signal] = await once(child, 'exit');
    if (code === 0) return deaths;
    expect(signal).toBe('SIGKILL');
  }
  throw new Error('the batch was never applied');
}

test('a batch that was at work beside a killer, however often, loses nothing', async () => {
  const device_id = 'beside';
  const id = await engine.store([sent.start(41, { session_id: 'beside' })], { device_id });
  // Each death of a process leaves this mark on every batch that it had claimed.
  await engine.database.batches.updateOne({ _id: id }, { $set: { state: 'processing', attempts: 5 } });
  await engine.drain(device_id);
  expect(said(await engine.results(id))).toEqual(['applied']);
});

test('suspects go one at a time', async () => {
  const device_id = 'second suspect';
  const id = await engine.store([sent.start(51, { session_id: 'second' })], { device_id });
  await engine.database.batches.updateOne({ _id: id }, { $set: { state: 'processing', attempts: 1 } });
  const first = await takeLease(engine.database, { lease: 'sync-suspects', holder: 'first', ttlMs: 60_000 });
  await expect(engine.drain(device_id)).rejects.toThrow(SuspectWaits);
  await releaseLease(engine.database, first!);
  await engine.drain(device_id);
  expect(said(await engine.results(id))).toEqual(['applied']);
});

describe('drainers side by side', () => {
  test('two of one device apply its batch once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const device_id = `twice ${round}`;
      const first = 1_000 + round * 10;
      const ids = [first, first + 1, first + 2];
      const id = await engine.store(counts(...ids), { device_id });
      const drains = [engine.drain(device_id), engine.drain(device_id), engine.drain(device_id)];
      // One that finds the batch claimed is careful with it, and may have to come again.
      for (const outcome of await Promise.allSettled(drains)) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(SuspectWaits);
      }
      expect(said(await engine.results(id))).toEqual(['applied', 'applied', 'applied']);
      expect(await written(...ids)).toEqual(ids.map((qty) => `${qty} v1`));
      expect(await batch(id)).toMatchObject({ state: 'applied', next_item: 3 });
    }
  });

  test('eight devices that start one session and count one line at once: nothing is set aside', async () => {
    for (let round = 0; round < 4; round += 1) {
      const session_id = `rush ${round}`;
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          engine.upload([sent.start(1, { session_id }), sent.count(2, 5, { session_id })], {
            device_id: `rush ${round} ${n}`,
          }),
        ),
      );
      expect(all.map(said)).toEqual(Array(8).fill(['applied', 'applied']));
      const lines = await engine.database.lines.find({ session_id }).toArray();
      expect(lines.map(({ version }) => version)).toEqual([1]);
    }
    expect(await engine.database.deadLetters.countDocuments({ 'reference.device_id': /^rush/ })).toBe(0);
  });
});
