import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type CurrentDatabase, freshCollection, withSession } from './helpers.ts';

export function serverTime(current: CurrentDatabase): void {
  it('$$NOW is a date near the wall clock, readable without a collection', async () => {
    const pipeline = [{ $documents: [{}] }, { $project: { now: '$$NOW' } }];
    const [row] = await current().db.aggregate<{ now: Date }>(pipeline).toArray();
    expect(Math.abs((row?.now.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
  });

  it('$$NOW is one value within a command', async () => {
    const collection = await freshCollection(current());
    await collection.insertMany([{ _id: 1 }, { _id: 2 }]);
    await collection.updateMany({}, [{ $set: { a: '$$NOW', b: '$$NOW' } }]);
    const values = (await collection.find().toArray()).flatMap(({ a, b }) => [+a, +b]);
    expect(new Set(values).size).toBe(1);
  });

  it('$$NOW moves on between the commands of one transaction', async () => {
    const collection = await freshCollection(current());
    await collection.insertOne({ _id: 1 });
    await withSession(current(), async (session) => {
      session.startTransaction();
      const stamp = async (field: string): Promise<number> => {
        const options = { session, returnDocument: 'after' } as const;
        return +(await collection.findOneAndUpdate({ _id: 1 }, [{ $set: { [field]: '$$NOW' } }], options))?.[
          field
        ];
      };
      const first = await stamp('a');
      await sleep(60);
      expect((await stamp('b')) - first).toBeGreaterThanOrEqual(50);
    });
  });

  it('$$NOW decides in the $expr of a filter, of find, update and delete', async () => {
    const locks = await freshCollection(current());
    const hour = 3_600_000;
    await locks.insertMany([
      { _id: 'past', expiresAt: new Date(Date.now() - hour) },
      { _id: 'future', expiresAt: new Date(Date.now() + hour) },
    ]);
    const isOver = { $expr: { $lte: ['$expiresAt', '$$NOW'] } };
    expect(await locks.distinct('_id', isOver)).toEqual(['past']);
    expect((await locks.updateMany(isOver, { $set: { ended: true } })).matchedCount).toBe(1);
    expect((await locks.deleteMany(isOver)).deletedCount).toBe(1);
  });

  it("'$$NOW' is plain text in an update document and under $literal", async () => {
    const collection = await freshCollection(current());
    await collection.insertOne({ _id: 1, note: '$$NOW' });
    await collection.updateOne({ _id: 1 }, { $set: { set: '$$NOW' } });
    await collection.updateOne({ _id: 1 }, [{ $set: { literal: { $literal: '$$NOW' } } }]);
    expect(await collection.findOne({ note: '$$NOW' })).toEqual({
      _id: 1,
      note: '$$NOW',
      set: '$$NOW',
      literal: '$$NOW',
    });
  });
}
