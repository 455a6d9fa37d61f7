import type { Collection, Document } from 'mongodb';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { LineMoved } from '../../../src/db/sync/lines.ts';
import { decideChunk } from '../../../src/domain/sync/decide-chunk.ts';
import { anotherClient } from '../../support/test-database.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { openSession, type SyncEngine, said, syncEngine } from './sync-engine.ts';

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

const batch = (_id: string) => engine.database.batches.findOne({ _id });
const count = (id: number, item_code: string, over = {}) =>
  sent.count(id, id, { session_id: 'S', item_code, ...over });

/** Drains until the batch is through; the starts that failed. */
async function startsUntilApplied(
  device_id: string,
  over: Parameters<SyncEngine['drain']>[1],
): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (let n = 0; n < 20; n += 1) {
    try {
      await engine.drain(device_id, over);
      return errors;
    } catch (error) {
      errors.push(error);
    }
  }
  throw new Error('the batch was never applied');
}

/** The engine's database, where somebody else writes the item's line whenever the engine is about to. */
function contended(item_code: string, others: Collection<Document>): Database {
  const lines = new Proxy(engine.database.lines, {
    get(target, name) {
      if (name !== 'bulkWrite') return Reflect.get(target, name, target);
      return async (...args: Parameters<typeof target.bulkWrite>) => {
        if (JSON.stringify(args[0]).includes(`"${item_code}"`))
          await others.updateOne({ item_code }, { $inc: { item_changes: 1 } });
        return target.bulkWrite(...args);
      };
    },
  });
  return { ...engine.database, lines };
}
/** The engine's database, where a write of lines is given 100 ms and not 10 s. */
function impatient(): Database {
  const lines = new Proxy(engine.database.lines, {
    get(target, name) {
      if (name !== 'bulkWrite') return Reflect.get(target, name, target);
      return (...[writes, options]: Parameters<typeof target.bulkWrite>) =>
        target.bulkWrite(writes, { ...options, maxTimeMS: 100 });
    },
  });
  return { ...engine.database, lines };
}

const foreignLines = async (): Promise<Collection<Document>> =>
  (await anotherClient(inject('mongoUrl'))).db(engine.database.db.databaseName).collection('count_lines');

describe('an operation whose line others keep writing', () => {
  const device_id = 'contended';
  test('is answered `retry`, holds back its line and completion, and lets the rest through', async () => {
    await engine.upload(
      [sent.start(1, { session_id: 'S' }), count(2, 'hot'), sent.start(3, { session_id: 'T' })],
      {
        device_id,
      },
    );
    const id = await engine.store(
      [
        count(4, 'before'),
        count(5, 'hot', { location: '' }),
        count(6, 'cold'),
        count(7, 'hot'),
        sent.complete(8, { session_id: 'S' }),
        sent.complete(9, { session_id: 'T' }),
      ],
      { device_id },
    );
    // Six starts fail at once, the last two in real write conflicts: four with the whole batch, four alone.
    for (let start = 1; start <= 6; start += 1) {
      await expect(engine.drain(device_id, { decide: moving(5) })).rejects.toThrow(LineMoved);
    }
    let reruns = 0;
    const rerun = () => {
      reruns += 1;
    };
    const database = contended('hot', await foreignLines());
    const errors = await startsUntilApplied(device_id, { database, rerun });
    expect(errors.map(String)).toEqual(['TransactionGaveUp: The transaction was given up after 20 runs.']);
    expect(reruns).toBe(2 * 20);
    expect(said(await engine.results(id))).toEqual([
      'applied',
      'retry temporarily_unavailable',
      'applied',
      'retry temporarily_unavailable',
      'retry temporarily_unavailable',
      'applied',
    ]);
    expect(await batch(id)).toMatchObject({ state: 'applied', attempts: 0, suspect_starts: 0 });
    expect(await engine.database.deadLetters.countDocuments()).toBe(0);
    expect(await engine.database.lines.findOne({ item_code: 'hot' })).toMatchObject({
      counted_qty: 2,
      version: 1,
    });
  });

  test('sent again under a new batch it is applied, once', async () => {
    const again = [count(5, 'hot', { location: '' }), count(7, 'hot'), sent.complete(8, { session_id: 'S' })];
    expect(said(await engine.upload(again, { device_id }))).toEqual(['applied', 'applied', 'applied']);
    expect(said(await engine.upload(again, { device_id }))).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(await engine.database.lines.findOne({ item_code: 'hot' })).toMatchObject({
      counted_qty: 7,
      version: 3,
    });
  });

  test('that has its first verdict keeps it', async () => {
    const id = await engine.store([count(7, 'hot')], { device_id });
    await startsUntilApplied(device_id, { decide: moving(7) });
    expect(said(await engine.results(id))).toEqual(['duplicate']);
  });
});

/** A decision after which the line of this operation has always moved on. */
const moving =
  (...ids: number[]): typeof decideChunk =>
  (items, ...rest) => {
    if (items.some(({ id }) => ids.includes(id))) throw new LineMoved('moved on');
    return decideChunk(items, ...rest);
  };

test('what follows a `retry` is tried once each until one is through: a batch ends in bounded time', async () => {
  const device_id = 'all contended';
  await openSession(engine, 'S-2');
  const ids = [11, 12, 13, 14, 15];
  const id = await engine.store(
    ids.map((each) => count(each, `all ${each}`, { session_id: 'S-2' })),
    { device_id },
  );
  const errors = await startsUntilApplied(device_id, { decide: moving(11, 12, 13, 15) });
  // 4 with the whole batch, 3 alone before 11, 12 and 13 are answered, 3 again for 15 behind 14, which was applied.
  expect(errors).toHaveLength(4 + 3 + 3);
  const retry = 'retry temporarily_unavailable';
  expect(said(await engine.results(id))).toEqual([retry, retry, retry, 'applied', retry]);
});

test('a transaction of another client that holds the row open: `retry`, and later applied', async () => {
  const device_id = 'held';
  const session_id = 'held';
  await openSession(engine, session_id);
  const item = count(21, 'bolt', { session_id, base_version: 1 });
  const id = await engine.store([item], { device_id });
  // As three starts alone left it: the full number is counted in the tests above.
  const left = { isolate_until: 1, contended_starts: 3 };
  await engine.database.batches.updateOne({ _id: id }, { $set: left });
  const client = await anotherClient(inject('mongoUrl'));
  const session = client.startSession();
  session.startTransaction();
  const lines = client.db(engine.database.db.databaseName).collection('count_lines');
  await lines.updateOne({ session_id }, { $set: { note: 'held' } }, { session });
  const database = impatient();
  await engine.drain(device_id, { database });
  expect(said(await engine.results(id))).toEqual(['retry temporarily_unavailable']);
  await session.abortTransaction();
  await session.endSession();
  expect(said(await engine.upload([item], { device_id }))).toEqual(['applied']);
  expect(await engine.database.lines.findOne({ session_id })).toMatchObject({ counted_qty: 21, version: 2 });
});

/** Ten starts that all fail with this error, then one that goes through. */
async function countsForNothing(device_id: string, n: number, error: Error): Promise<void> {
  const session_id = `S-${device_id}`;
  await openSession(engine, session_id);
  const id = await engine.store([count(n, device_id, { session_id })], { device_id });
  const decide: typeof decideChunk = () => {
    throw error;
  };
  for (let start = 0; start < 10; start += 1) {
    await expect(engine.drain(device_id, { decide })).rejects.toBe(error);
  }
  expect(await batch(id)).toMatchObject({ attempts: 0, contended_starts: 0, isolate_until: 0, results: [] });
  await engine.drain(device_id);
  expect(said(await engine.results(id))).toEqual(['applied']);
}

test('a database that is away counts for nothing, however often', () =>
  countsForNothing('away', 31, new MongoNetworkError('cut')));

test('a database that is slow counts for nothing, however often', () =>
  countsForNothing('slow', 32, new MongoServerError({ message: 'operation exceeded time limit', code: 50 })));
