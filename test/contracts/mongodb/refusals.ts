import { randomUUID } from 'node:crypto';
import type { ClientSession, Collection, Db } from 'mongodb';
import { expect, it } from 'vitest';
import { type CurrentDatabase, errorOf, freshCollection, type Row, rows, withSession } from './helpers.ts';

const MAX_TIME_EXPIRED = 50;
const COMMAND_NOT_FOUND = 59;
const MEGABYTE = 1024 * 1024;

type Call = (rows: Collection<Row>, session: ClientSession, db: Db) => Promise<unknown>;

const refusedInTransactions: Record<string, Call> = {
  'an index on a filled collection': (filled, session) => filled.createIndex({ a: 1 }, { session }),
  'dropping a collection': (filled, session, db) => db.dropCollection(filled.collectionName, { session }),
  'listing collections': (_, session, db) => db.listCollections({}, { session }).toArray(),
  $merge: (filled, session) => filled.aggregate([{ $merge: { into: randomUUID() } }], { session }).toArray(),
  $unionWith: (filled, session) =>
    filled.aggregate([{ $unionWith: filled.collectionName }], { session }).toArray(),
};

export function refusals(current: CurrentDatabase): void {
  for (const [name, call] of Object.entries(refusedInTransactions)) {
    it(`${name} in a transaction`, async () => {
      const filled = await freshCollection(current());
      await filled.insertOne({ _id: 1 });
      await withSession(current(), async (session) => {
        session.startTransaction();
        await filled.findOne({}, { session });
        await errorOf(call(filled, session, current().db));
      });
      expect(await filled.countDocuments()).toBe(1);
    });
  }

  it('maxTimeMS ends a long command with error 50', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(3_000).map((row) => ({ ...row, group: Number(row._id) % 3 })));
    const everyPair = [
      { $lookup: { from: lines.collectionName, localField: 'group', foreignField: 'group', as: 'others' } },
      { $unwind: '$others' },
      { $count: 'pairs' },
    ];
    const startedAt = performance.now();
    const error = await errorOf(lines.aggregate(everyPair, { maxTimeMS: 100 }).toArray());
    expect(error.code).toBe(MAX_TIME_EXPIRED);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('operators, types and the _id keep their error codes', async () => {
    const lines = await freshCollection(current());
    await lines.insertOne({ _id: 1, text: 'x' });
    const codes = [
      await errorOf(lines.updateOne({ _id: 1 }, { $inc: { text: 1 } })),
      await errorOf(lines.updateOne({ _id: 1 }, { $unknown: { text: 1 } })),
      await errorOf(lines.find({ $unknown: 1 }).toArray()),
      await errorOf(lines.updateOne({ _id: 1 }, { $set: { _id: 2 } })),
      await errorOf(current().db.command({ unknown: 1 })),
    ].map(({ code }) => code);
    expect(codes).toEqual([14, 9, 2, 66, COMMAND_NOT_FOUND]);
  });

  it('a document that would grow over 16 MB', async () => {
    const lines = await freshCollection(current());
    await lines.insertOne({ _id: 1, a: 'x'.repeat(10 * MEGABYTE) });
    await errorOf(lines.updateOne({ _id: 1 }, { $set: { b: 'x'.repeat(7 * MEGABYTE) } }));
    expect(await lines.countDocuments({ b: { $exists: true } })).toBe(0);
  });
}
