import { expect, it } from 'vitest';
import {
  type CurrentDatabase,
  DUPLICATE_KEY,
  errorOf,
  freshCollection,
  NO_SUCH_TRANSACTION,
  TRANSIENT,
  withSession,
} from './helpers.ts';

export function transactions(current: CurrentDatabase): void {
  it('commits several collections as one', async () => {
    const [lines, ledger] = [await freshCollection(current()), await freshCollection(current())];
    await withSession(current(), (session) =>
      session.withTransaction(async () => {
        await lines.insertOne({ _id: 1 }, { session });
        await ledger.insertOne({ _id: 1 }, { session });
        expect(await lines.countDocuments()).toBe(0);
      }),
    );
    expect([await lines.countDocuments(), await ledger.countDocuments()]).toEqual([1, 1]);
  });

  it('leaves nothing behind when the session ends without a commit', async () => {
    const lines = await freshCollection(current());
    await withSession(current(), async (session) => {
      session.startTransaction();
      await lines.insertOne({ _id: 1 }, { session });
    });
    expect(await lines.countDocuments()).toBe(0);
  });

  it('reads its own writes with find, distinct, count and aggregate', async () => {
    const lines = await freshCollection(current());
    await withSession(current(), async (session) => {
      session.startTransaction();
      await lines.insertMany(
        [
          { _id: 1, quantity: 2 },
          { _id: 2, quantity: 3 },
        ],
        { session },
      );
      const sum = [{ $group: { _id: null, total: { $sum: '$quantity' } } }];
      expect(await lines.find({}, { session }).toArray()).toHaveLength(2);
      expect(await lines.distinct('quantity', {}, { session })).toEqual([2, 3]);
      expect(await lines.countDocuments({}, { session })).toBe(2);
      expect(await lines.aggregate(sum, { session }).toArray()).toEqual([{ _id: null, total: 5 }]);
    });
  });

  it('sees one point in time with read concern snapshot', async () => {
    const lines = await freshCollection(current());
    await lines.insertOne({ _id: 1, value: 'before' });
    await withSession(current(), async (session) => {
      session.startTransaction({ readConcern: { level: 'snapshot' } });
      await lines.findOne({}, { session });
      await lines.updateOne({ _id: 1 }, { $set: { value: 'after' } });
      await lines.insertOne({ _id: 2 });
      expect(await lines.find({}, { session }).toArray()).toEqual([{ _id: 1, value: 'before' }]);
    });
  });

  it('is aborted as a whole by any error, a duplicate key too', async () => {
    const lines = await freshCollection(current());
    await lines.insertOne({ _id: 1 });
    await withSession(current(), async (session) => {
      session.startTransaction();
      await lines.insertOne({ _id: 2 }, { session });
      expect((await errorOf(lines.insertOne({ _id: 1 }, { session }))).code).toBe(DUPLICATE_KEY);
      const next = await errorOf(lines.insertOne({ _id: 3 }, { session }));
      expect(next.code).toBe(NO_SUCH_TRANSACTION);
      expect(next.hasErrorLabel(TRANSIENT)).toBe(true);
      expect((await errorOf(session.commitTransaction())).code).toBe(NO_SUCH_TRANSACTION);
    });
    expect(await lines.find().toArray()).toEqual([{ _id: 1 }]);
  });

  it('accepts a repeated commit', async () => {
    const lines = await freshCollection(current());
    await withSession(current(), async (session) => {
      session.startTransaction();
      await lines.insertOne({ _id: 1 }, { session });
      await session.commitTransaction();
      await session.commitTransaction();
    });
    expect(await lines.countDocuments()).toBe(1);
  });

  it('lets 30 transactions be open while each reads outside of its own', async () => {
    const lines = await freshCollection(current());
    await lines.insertOne({ _id: 'shared' });
    const ids = Array.from({ length: 30 }, (_, index) => `line-${index}`);
    await Promise.all(
      ids.map((_id) =>
        withSession(current(), (session) =>
          session.withTransaction(async () => {
            await lines.insertOne({ _id }, { session });
            await lines.findOne({ _id: 'shared' });
          }),
        ),
      ),
    );
    expect(await lines.countDocuments()).toBe(31);
  });

  it('may run beside the creation of collections and indexes', async () => {
    const lines = await freshCollection(current());
    let isDone = false;
    const writer = withSession(current(), async (session) => {
      for (let value = 0; !isDone; value++) {
        await session.withTransaction(() => lines.insertOne({ _id: value }, { session }));
      }
    });
    for (let round = 0; round < 5; round++) {
      const other = await freshCollection(current());
      await other.createIndex({ value: 1 }, { name: 'value', unique: true });
    }
    isDone = true;
    await writer;
  });
}
