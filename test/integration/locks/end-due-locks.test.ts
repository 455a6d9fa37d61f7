import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { takeLocks } from '../../../src/db/locks/take-locks.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { endDueLocks } from '../../../src/jobs/end-due-locks.ts';
import { age, dropDatabase, lockDatabase, published, request, story, take } from './lock-database.ts';

let database: Database;
let rings: Date[] = [];
let notified = 0;
beforeAll(async () => {
  database = await lockDatabase();
});
beforeEach(async () => {
  await database.locks.deleteMany();
  await database.lockHistory.deleteMany();
  await database.outbox.deleteMany();
  rings = [];
  notified = 0;
});
afterAll(() => dropDatabase(database));

const run = () =>
  endDueLocks({
    database,
    notifyOutbox: () => {
      notified += 1;
    },
    ringAt: async (at) => {
      rings.push(at);
    },
  });

test('ends what is due, leaves the rest and asks to be rung at the next expiry', async () => {
  await take(database, 'due', 'mira');
  await age(database, 'due', 901);
  const rest = await take(database, 'rest', 'mira', { ttl_seconds: 40 });
  const before = Date.now();
  expect(await run()).toEqual({ ended: 1, nextExpiryAt: rest.expires_at });
  expect(await story(database, 'due')).toEqual(['created 1', 'expired 1']);
  expect(await published(database, 'due')).toEqual(['locked 1', 'expired 1']);
  expect(notified).toBe(1);
  expect(rings).toHaveLength(1);
  expect(Math.abs(rings[0]!.getTime() - before - 40_000)).toBeLessThan(5_000);
});

test('a lock whose row the TTL index took first is still ended once, as expired', async () => {
  await take(database, 'gone', 'mira');
  await age(database, 'gone', 901);
  await database.locks.deleteOne({ item_code: 'gone' });
  expect(await run()).toEqual({ ended: 1, nextExpiryAt: undefined });
  expect(await run()).toEqual({ ended: 0, nextExpiryAt: undefined });
  expect(await story(database, 'gone')).toEqual(['created 1', 'expired 1']);
});

test('the next taker ends it when the job did not come', async () => {
  await take(database, 'taken', 'mira');
  await age(database, 'taken', 901);
  await database.locks.deleteOne({ item_code: 'taken' });
  await take(database, 'taken', 'omar');
  expect((await run()).ended).toBe(0);
  expect(await story(database, 'taken')).toEqual(['created 1', 'expired 1', 'created 2']);
});

test('a lock that ends a second from now ends within a second', async () => {
  await take(database, 'prompt', 'mira', { ttl_seconds: 60 });
  expect((await run()).ended).toBe(0);
  // Only now is its end brought near: however slow the machine was until here, a second is left.
  const leftMs = rings[0]!.getTime() - Date.now();
  await age(database, 'prompt', (leftMs - 1_000) / 1_000);
  const lock = await database.locks.findOne({ item_code: 'prompt' });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect((await run()).ended).toBe(1);
  const end = await database.lockHistory.findOne({ item_code: 'prompt', ended: true });
  expect(end!.at.getTime() - lock!.expires_at.getTime()).toBeLessThan(1_000);
});

test('five at once end 1,200 locks, each once', async () => {
  await inTransaction(database, (session) =>
    takeLocks(
      database,
      session,
      Array.from({ length: 1_200 }, (_, n) => request(`many-${n}`, 'mira')),
    ),
  );
  const past = [{ $set: { expires_at: { $subtract: ['$expires_at', 901_000] } } }];
  const times = [{ $set: { locked_at: { $subtract: ['$locked_at', 901_000] } } }, ...past];
  await database.locks.updateMany({}, times);
  await database.lockHistory.updateMany({ open: true }, past);
  await Promise.all([run(), run(), run(), run(), run()]);
  await run();
  expect(await database.lockHistory.countDocuments({ event: 'expired' })).toBe(1_200);
  expect(await database.outbox.countDocuments({ 'event.payload.data.lock.state': 'expired' })).toBe(1_200);
  expect(await database.locks.countDocuments()).toBe(0);
});
