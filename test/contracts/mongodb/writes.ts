import type { MongoBulkWriteError } from 'mongodb';
import { expect, it } from 'vitest';
import {
  type CurrentDatabase,
  DUPLICATE_KEY,
  errorOf,
  freshCollection,
  rows,
  withSession,
} from './helpers.ts';

export function writes(current: CurrentDatabase): void {
  it('bulkWrite in a transaction mixes inserts, updates filtered by version, and upserts', async () => {
    const lines = await freshCollection(current());
    await lines.insertOne({ _id: 1, version: 3 });
    const result = await withSession(current(), (session) =>
      session.withTransaction(() =>
        lines.bulkWrite(
          [
            { insertOne: { document: { _id: 2, version: 1 } } },
            { updateOne: { filter: { _id: 1, version: 3 }, update: { $set: { version: 4 } } } },
            { updateOne: { filter: { _id: 1, version: 3 }, update: { $set: { version: 9 } } } },
            { updateOne: { filter: { _id: 3 }, update: { $set: { version: 1 } }, upsert: true } },
          ],
          { session },
        ),
      ),
    );
    expect([result.insertedCount, result.matchedCount, result.upsertedCount]).toEqual([1, 1, 1]);
    expect(await lines.find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, version: 4 },
      { _id: 2, version: 1 },
      { _id: 3, version: 1 },
    ]);
  });

  it('insertMany unordered stores all but the duplicates and says which they were', async () => {
    const ledger = await freshCollection(current());
    await ledger.insertOne({ _id: 3 });
    const error = (await errorOf(ledger.insertMany(rows(6), { ordered: false }))) as MongoBulkWriteError;
    expect(error.code).toBe(DUPLICATE_KEY);
    expect([error.writeErrors].flat().map(({ index }) => index)).toEqual([3]);
    expect(await ledger.countDocuments()).toBe(6);
  });

  it('insertMany ordered stops at the first duplicate', async () => {
    const ledger = await freshCollection(current());
    await ledger.insertOne({ _id: 3 });
    await errorOf(ledger.insertMany(rows(6)));
    expect(await ledger.distinct('_id')).toEqual([0, 1, 2, 3]);
  });

  it('50 writers of one document lose no increment', async () => {
    const counters = await freshCollection(current());
    await counters.insertOne({ _id: 1, n: 0 });
    const add = async () => {
      for (let turn = 0; turn < 5; turn++) await counters.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    };
    await Promise.all(Array.from({ length: 50 }, add));
    expect(await counters.findOne()).toEqual({ _id: 1, n: 250 });
  });

  it('findOneAndUpdate as a queue: 20 workers claim each of 200 jobs once', async () => {
    const jobs = await freshCollection(current());
    await jobs.insertMany(rows(200).map((row) => ({ ...row, state: 'new' })));
    await jobs.createIndex({ state: 1, _id: 1 }, { name: 'state' });
    const claimed: unknown[] = [];
    const worker = async () => {
      for (;;) {
        const job = await jobs.findOneAndUpdate(
          { state: 'new' },
          { $set: { state: 'taken' } },
          { sort: { _id: 1 } },
        );
        if (!job) return;
        claimed.push(job._id);
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    expect(claimed).toHaveLength(200);
    expect(new Set(claimed).size).toBe(200);
  });

  it('arrayFilters, hint, comment and let are accepted', async () => {
    const lines = await freshCollection(current());
    await lines.createIndex({ code: 1 }, { name: 'code' });
    await lines.insertOne({ _id: 1, code: 'a', marks: [{ day: 1 }, { day: 2 }] });
    const options = { hint: 'code', comment: 'test', arrayFilters: [{ 'mark.day': 2 }] };
    await lines.updateOne({ code: 'a' }, { $set: { 'marks.$[mark].done': true } }, options);
    const byVariable = { $expr: { $eq: ['$code', '$$wanted'] } };
    await lines.updateOne(byVariable, { $set: { seen: true } }, { let: { wanted: 'a' } });
    const marks = [{ day: 1 }, { day: 2, done: true }];
    expect(await lines.findOne()).toEqual({ _id: 1, code: 'a', marks, seen: true });
  });
}
