import { randomUUID } from 'node:crypto';
import type { Collection, Document } from 'mongodb';
import { expect, it } from 'vitest';
import { type CurrentDatabase, errorOf, type Row, withSession } from './helpers.ts';

const VALIDATION_FAILED = 121;
const MINUTE = 60_000;

// locked_at < expires_at ≤ locked_at + 15 min
const atMost15Minutes = {
  $expr: {
    $and: [
      { $lt: ['$locked_at', '$expires_at'] },
      { $lte: ['$expires_at', { $add: ['$locked_at', 15 * MINUTE] }] },
    ],
  },
};

export function validators(current: CurrentDatabase): void {
  const withValidator = (validator: Document): Promise<Collection<Row>> =>
    current().db.createCollection<Row>(`v_${randomUUID()}`, { validator });

  const refused = async (call: Promise<unknown>) =>
    expect((await errorOf(call)).code).toBe(VALIDATION_FAILED);

  it('$expr compares two dates of a document, in inserts, updates, replacements and bulk writes', async () => {
    const locks = await withValidator(atMost15Minutes);
    const locked_at = new Date('2025-03-01T12:00:00Z');
    const after = (minutes: number) => new Date(+locked_at + minutes * MINUTE);
    await locks.insertOne({ _id: 1, locked_at, expires_at: after(15) });
    await refused(locks.insertOne({ _id: 2, locked_at, expires_at: new Date(+after(15) + 1) }));
    await refused(locks.insertOne({ _id: 3, locked_at, expires_at: locked_at }));
    await refused(locks.updateOne({ _id: 1 }, { $set: { expires_at: after(16) } }));
    await refused(locks.replaceOne({ _id: 1 }, { locked_at, expires_at: after(16) }));
    const upsert = {
      filter: { _id: 4 },
      update: { $set: { locked_at, expires_at: after(16) } },
      upsert: true,
    };
    await refused(locks.bulkWrite([{ updateOne: upsert }]));
    expect(await locks.find().toArray()).toEqual([{ _id: 1, locked_at, expires_at: after(15) }]);
  });

  it('$expr holds for pipeline upserts, of updateOne and of findOneAndUpdate', async () => {
    const locks = await withValidator(atMost15Minutes);
    const lockFor = (minutes: number) => [
      { $set: { locked_at: '$$NOW', expires_at: { $add: ['$$NOW', minutes * MINUTE] } } },
    ];
    await locks.updateOne({ _id: 1 }, lockFor(15), { upsert: true });
    await locks.findOneAndUpdate({ _id: 2 }, lockFor(15), { upsert: true });
    await refused(locks.updateOne({ _id: 3 }, lockFor(16), { upsert: true }));
    await refused(locks.findOneAndUpdate({ _id: 4 }, lockFor(16), { upsert: true }));
    expect(await locks.countDocuments()).toBe(2);
  });

  it('$jsonSchema checks types, required fields, bounds and enumerations, together with $expr', async () => {
    const properties = {
      quantity: { bsonType: ['int', 'long', 'double'], minimum: 0 },
      status: { enum: ['OPEN', 'CLOSED'] },
      code: { bsonType: 'string', minLength: 1, maxLength: 3 },
      at: { bsonType: 'date' },
    };
    const $jsonSchema = { bsonType: 'object', required: ['quantity'], properties };
    const lines = await withValidator({ $and: [{ $jsonSchema }, { $expr: { $lte: ['$quantity', 5] } }] });
    await lines.insertOne({ _id: 1, quantity: 1.5, status: 'OPEN', code: 'abc', at: new Date() });
    const wrong = [
      {},
      { quantity: -1 },
      { quantity: '1' },
      { quantity: 9 },
      { quantity: 1, status: 'open' },
      { quantity: 1, code: '' },
      { quantity: 1, code: 'abcd' },
      { quantity: 1, at: 5 },
    ];
    for (const fields of wrong) await refused(lines.insertOne({ _id: 2, ...fields }));
  });

  it('collMod puts another validator in place', async () => {
    const lines = await withValidator({ $expr: { $lte: ['$quantity', 5] } });
    await current().db.command({
      collMod: lines.collectionName,
      validator: { $expr: { $lte: ['$quantity', 10] } },
    });
    await lines.insertOne({ _id: 1, quantity: 10 });
    await refused(lines.insertOne({ _id: 2, quantity: 11 }));
  });

  it('a document that fails inside a transaction aborts it', async () => {
    const lines = await withValidator({ $expr: { $lte: ['$quantity', 5] } });
    await withSession(current(), async (session) => {
      session.startTransaction();
      await lines.insertOne({ _id: 1, quantity: 1 }, { session });
      await refused(lines.insertOne({ _id: 2, quantity: 6 }, { session }));
    });
    expect(await lines.countDocuments()).toBe(0);
  });
}
