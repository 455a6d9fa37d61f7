import { expect, it } from 'vitest';
import { type CurrentDatabase, errorOf, freshCollection, rows, withSession } from './helpers.ts';

export function cursors(current: CurrentDatabase): void {
  it('find and getMore inside a transaction, between its writes', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(250));
    await withSession(current(), async (session) => {
      session.startTransaction();
      let seen = 0;
      for await (const _ of lines.find({ _id: { $lt: 250 } }, { session, batchSize: 50 }).sort({ _id: 1 })) {
        if (++seen === 60) await lines.insertOne({ _id: 1_000 }, { session });
      }
      expect(seen).toBe(250);
      await session.commitTransaction();
    });
    expect(await lines.countDocuments()).toBe(251);
  });

  it('two cursors of one transaction are read in turns', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(120));
    await withSession(current(), async (session) => {
      session.startTransaction();
      const first = lines.find({}, { session, batchSize: 25 });
      const second = lines.aggregate([{ $match: {} }], { session, batchSize: 40 });
      let seen = 0;
      while ((await first.next()) && (await second.next())) seen++;
      expect(seen).toBe(120);
    });
  });

  it('a cursor ends with its transaction', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(30));
    await withSession(current(), async (session) => {
      session.startTransaction();
      const cursor = lines.find({}, { session, batchSize: 10 });
      await cursor.next();
      await session.commitTransaction();
      await errorOf(cursor.toArray());
    });
  });

  it('40 half-read sorted cursors do not keep others from reading', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(300));
    const open = Array.from({ length: 40 }, () => lines.find({}, { batchSize: 10 }).sort({ value: 1 }));
    await Promise.all(open.map((cursor) => cursor.next()));
    await Promise.all(open.map(() => lines.findOne({ _id: 5 })));
    await Promise.all(open.map((cursor) => cursor.close()));
  });

  it('no document is lost while the collection is written', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(1_000));
    let isDone = false;
    const writer = (async () => {
      while (!isDone) await lines.updateMany({ _id: { $mod: [7, 3] } }, { $inc: { n: 1 } });
    })();
    const seen = new Set<unknown>();
    for await (const { _id } of lines.find({}, { batchSize: 100 })) seen.add(_id);
    isDone = true;
    await writer;
    expect(seen.size).toBe(1_000);
  });

  it('limit, skip, batch size 0 and sort by two fields', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(300).map((row) => ({ ...row, group: Number(row._id) % 2 })));
    const page = await lines.find().sort({ group: -1, _id: 1 }).skip(2).limit(2).toArray();
    expect(page.map(({ _id }) => _id)).toEqual([5, 7]);
    expect(await lines.aggregate([{ $match: {} }], { batchSize: 0 }).toArray()).toHaveLength(300);
    expect(await lines.estimatedDocumentCount()).toBe(300);
  });
}
