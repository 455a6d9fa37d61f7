import { expect, it } from 'vitest';
import { type CurrentDatabase, errorOf, freshCollection } from './helpers.ts';

const QUERY_FEATURE_NOT_ALLOWED = 224;
const RACERS = 30;

export function upserts(current: CurrentDatabase): void {
  it('$setOnInsert sets its fields at the first time only', async () => {
    const sessions = await freshCollection(current());
    const open = (at: number) =>
      sessions.updateOne({ _id: 1 }, { $inc: { opened: 1 }, $setOnInsert: { first: at } }, { upsert: true });
    expect((await open(10)).upsertedCount).toBe(1);
    expect((await open(20)).upsertedCount).toBe(0);
    expect(await sessions.findOne()).toEqual({ _id: 1, opened: 2, first: 10 });
  });

  it('racing upserts of one key store one document, and one caller alone hears that it inserted', async () => {
    const sessions = await freshCollection(current());
    const results = await race((index) =>
      sessions.updateOne({ _id: 'key' }, { $inc: { n: 1 }, $setOnInsert: { by: index } }, { upsert: true }),
    );
    expect(results.filter(({ upsertedCount }) => upsertedCount === 1)).toHaveLength(1);
    expect(await sessions.countDocuments()).toBe(1);
    expect((await sessions.findOne())?.['n']).toBe(RACERS);
  });

  it('racing pipeline upserts that decide on $$NOW have one winner, and every answer tells the truth', async () => {
    const locks = await freshCollection(current());
    const take = (holder: number) =>
      locks.findOneAndUpdate(
        { _id: 'item' },
        [
          { $set: { isFree: { $lte: [{ $ifNull: ['$expiresAt', '$$NOW'] }, '$$NOW'] } } },
          {
            $set: {
              holder: { $cond: ['$isFree', holder, '$holder'] },
              expiresAt: { $cond: ['$isFree', { $add: ['$$NOW', 60_000] }, '$expiresAt'] },
              fence: { $cond: ['$isFree', { $add: [{ $ifNull: ['$fence', 0] }, 1] }, '$fence'] },
            },
          },
          { $unset: 'isFree' },
        ],
        { upsert: true, returnDocument: 'after' },
      );
    const answers = await race(take);
    const stored = await locks.findOne();
    expect(stored?.['fence']).toBe(1);
    for (const answer of answers) expect(answer).toEqual(stored);
  });

  it('racing upserts on a partial unique index make one document', async () => {
    const lines = await freshCollection(current());
    await lines.createIndex(
      { session: 1, item: 1 },
      { name: 'identity', unique: true, partialFilterExpression: { version: { $exists: true } } },
    );
    const filter = { session: 's', item: 'i', version: { $exists: true } };
    await race((index) =>
      lines.updateOne(
        filter,
        { $set: { last: index }, $setOnInsert: { _id: index, version: 1 } },
        { upsert: true },
      ),
    );
    expect(await lines.countDocuments()).toBe(1);
  });

  it('$expr in the filter of an upsert is refused', async () => {
    const locks = await freshCollection(current());
    const filter = { _id: 1, $expr: { $lt: ['$expiresAt', '$$NOW'] } };
    const error = await errorOf(locks.updateOne(filter, { $set: { holder: 1 } }, { upsert: true }));
    expect(error.code).toBe(QUERY_FEATURE_NOT_ALLOWED);
  });

  // MongoDB may answer a losing racer with E11000: the upsert is repeated once, as the product does.
  function race<T>(upsert: (index: number) => Promise<T>): Promise<T[]> {
    const attempt = (index: number) =>
      upsert(index).catch((error: { code?: unknown }) => {
        if (error.code !== 11000) throw error;
        return upsert(index);
      });
    return Promise.all(Array.from({ length: RACERS }, (_, index) => attempt(index)));
  }
}
