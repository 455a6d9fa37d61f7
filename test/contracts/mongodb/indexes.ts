import { expect, it } from 'vitest';
import { type CurrentDatabase, DUPLICATE_KEY, errorOf, freshCollection, rows } from './helpers.ts';

const INDEX_CONFLICTS = [85, 86];

export function indexes(current: CurrentDatabase): void {
  it('a unique index over a field that some rows lack counts only the rows that have it', async () => {
    const lines = await freshCollection(current());
    await lines.createIndex(
      { session: 1, item: 1, location: 1 },
      { name: 'identity', unique: true, partialFilterExpression: { version: { $exists: true } } },
    );
    const key = { session: 's', item: 'i', location: '' };
    await lines.insertMany([
      { _id: 1, ...key },
      { _id: 2, ...key },
      { _id: 3, ...key, version: 1 },
    ]);
    expect((await errorOf(lines.insertOne({ _id: 4, ...key, version: 2 }))).code).toBe(DUPLICATE_KEY);
    const gainsVersion = lines.updateOne({ _id: 1 }, { $set: { version: 1 } });
    expect((await errorOf(gainsVersion)).code).toBe(DUPLICATE_KEY);
  });

  it('a duplicate key of one insert names the pattern of its index', async () => {
    const lines = await freshCollection(current());
    await lines.createIndex({ code: 1 }, { name: 'code', unique: true });
    await lines.insertOne({ _id: 1, code: 'a' });
    const error = await errorOf(lines.insertOne({ _id: 2, code: 'a' }));
    expect(error).toMatchObject({ code: DUPLICATE_KEY, keyPattern: { code: 1 } });
  });

  it('a TTL index keeps its seconds, 0 too', async () => {
    const locks = await freshCollection(current());
    await locks.createIndex({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 });
    const expiry = (await locks.indexes()).find(({ name }) => name === 'expiry');
    expect(expiry).toMatchObject({ key: { expiresAt: 1 }, expireAfterSeconds: 0 });
  });

  it('an equal index under another name, or another one under the same name, is an index conflict', async () => {
    const locks = await freshCollection(current());
    await locks.createIndex({ at: 1 }, { name: 'at' });
    expect(INDEX_CONFLICTS).toContain((await errorOf(locks.createIndex({ at: 1 }, { name: 'other' }))).code);
    expect(INDEX_CONFLICTS).toContain((await errorOf(locks.createIndex({ by: 1 }, { name: 'at' }))).code);
  });

  it('six processes may create the same indexes at once', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany(rows(500).map((row) => ({ ...row, a: row._id, b: Number(row._id) % 7 })));
    const create = () =>
      lines.createIndexes([
        { key: { a: 1 }, name: 'a', unique: true },
        { key: { b: 1, a: -1 }, name: 'b_a' },
        { key: { at: 1 }, name: 'ttl', expireAfterSeconds: 60 },
      ]);
    await Promise.all(Array.from({ length: 6 }, create));
    expect(await lines.indexes()).toHaveLength(4);
  });

  it('a unique index over duplicates is refused', async () => {
    const lines = await freshCollection(current());
    await lines.insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
    ]);
    await errorOf(lines.createIndex({ a: 1 }, { name: 'a', unique: true }));
    expect(await lines.indexes()).toHaveLength(1);
  });
}
