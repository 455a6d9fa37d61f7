import type { ClientSession, Collection } from 'mongodb';
import { expect, it } from 'vitest';
import {
  type CurrentDatabase,
  errorOf,
  freshCollection,
  type Row,
  TRANSIENT,
  WRITE_CONFLICT,
  withSession,
} from './helpers.ts';

type Write = (rows: Collection<Row>, session: ClientSession) => Promise<unknown>;

const increment = (_id: number) => ({ updateOne: { filter: { _id }, update: { $inc: { n: 1 } } } });

// Each of them changes row 1, which another transaction changed and committed meanwhile.
const writesToRow1: Record<string, Write> = {
  updateOne: (rows, session) => rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session }),
  findOneAndUpdate: (rows, session) => rows.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { session }),
  deleteOne: (rows, session) => rows.deleteOne({ _id: 1 }, { session }),
  'an ordered bulkWrite': (rows, session) => rows.bulkWrite([increment(2), increment(1)], { session }),
  'an unordered bulkWrite': (rows, session) =>
    rows.bulkWrite([increment(2), increment(1)], { session, ordered: false }),
};

export function writeConflicts(current: CurrentDatabase): void {
  for (const [name, write] of Object.entries(writesToRow1)) {
    it(`${name} of a row that changed since the snapshot: WriteConflict with the transient label`, async () => {
      const collection = await freshCollection(current());
      await collection.insertMany([
        { _id: 1, n: 0 },
        { _id: 2, n: 0 },
      ]);
      await withSession(current(), async (session) => {
        session.startTransaction({ readConcern: { level: 'snapshot' } });
        await collection.findOne({ _id: 1 }, { session });
        await collection.updateOne({ _id: 1 }, { $inc: { n: 10 } });
        const error = await errorOf(write(collection, session));
        expect(error.code).toBe(WRITE_CONFLICT);
        expect(error.hasErrorLabel(TRANSIENT)).toBe(true);
      });
      expect(await collection.findOne({ _id: 1 })).toEqual({ _id: 1, n: 10 });
      expect(await collection.findOne({ _id: 2 })).toEqual({ _id: 2, n: 0 });
    });
  }

  it('two transactions that insert one key: the second gets a WriteConflict, not a duplicate key', async () => {
    const collection = await freshCollection(current());
    await withSession(current(), (first) =>
      withSession(current(), async (second) => {
        first.startTransaction();
        second.startTransaction();
        await collection.insertOne({ _id: 'key' }, { session: first });
        // Some servers answer at once, others when the first transaction has ended.
        const refused = errorOf(collection.insertOne({ _id: 'key' }, { session: second }));
        await new Promise((resolve) => setTimeout(resolve, 100));
        await first.commitTransaction();
        const error = await refused;
        expect(error.code).toBe(WRITE_CONFLICT);
        expect(error.hasErrorLabel(TRANSIENT)).toBe(true);
      }),
    );
  });

  it('withTransaction reruns its callback until both of two colliding transactions are committed', async () => {
    const collection = await freshCollection(current());
    const add = () =>
      withSession(current(), (session) =>
        session.withTransaction(async () => {
          await collection.updateOne({ _id: 'key' }, { $inc: { n: 1 } }, { upsert: true, session });
        }),
      );
    await Promise.all([add(), add(), add(), add()]);
    expect(await collection.find().toArray()).toEqual([{ _id: 'key', n: 4 }]);
  });
}
