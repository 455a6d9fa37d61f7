import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { listLocks, lockHistory } from '../../../src/db/locks/list-locks.ts';
import { forceReleaseNow, releaseLockNow, renewLockNow } from '../../../src/db/locks/lock-now.ts';
import { person } from '../../../src/domain/events/actor.ts';
import { age, dropDatabase, lockDatabase, published, story, take } from './lock-database.ts';

let database: Database;
beforeAll(async () => {
  database = await lockDatabase();
});
afterAll(() => dropDatabase(database));

const holder = (item_code: string, fence: number, user_id = 'mira') => ({
  item_code,
  fence,
  user_id,
  actor: person(user_id, 'supervisor'),
});

test('a renewal never passes 900 s after the beginning', async () => {
  const lock = await take(database, 'cap', 'mira', { ttl_seconds: 600 });
  await age(database, 'cap', 500);
  const renewed = await renewLockNow(database, { ...holder('cap', lock.fence), ttl_seconds: 900 });
  expect(renewed!.expires_at.getTime() - renewed!.locked_at.getTime()).toBe(900_000);
  expect(await published(database, 'cap')).toEqual(['locked 1', 'renewed 1']);
});

test('a renewal within the cap counts from now, also when that is sooner', async () => {
  const lock = await take(database, 'sooner', 'mira');
  const before = Date.now();
  const renewed = await renewLockNow(database, { ...holder('sooner', lock.fence), ttl_seconds: 30 });
  expect(renewed!.expires_at < lock.expires_at).toBe(true);
  expect(Math.abs(renewed!.expires_at.getTime() - before - 30_000)).toBeLessThan(5_000);
  expect(renewed!.lock_id).toBe(lock.lock_id);
});

test.each([
  ['with an old fence', 'u-fence', (fence: number) => holder('u-fence', fence - 1)],
  ['by somebody else', 'u-other', (fence: number) => holder('u-other', fence, 'omar')],
])('renewing and releasing %s is refused', async (_name, item, claim) => {
  const { fence } = await take(database, item, 'mira');
  expect(await renewLockNow(database, { ...claim(fence), ttl_seconds: 60 })).toBeUndefined();
  expect(await releaseLockNow(database, claim(fence))).toBeUndefined();
  expect(await story(database, item)).toEqual(['created 1']);
});

test('a lock of an upload is nobody’s to renew or release', async () => {
  const { fence } = await take(database, 'upload', 'mira', { reason: 'offline_sync' });
  expect(await renewLockNow(database, { ...holder('upload', fence), ttl_seconds: 60 })).toBeUndefined();
  expect(await releaseLockNow(database, holder('upload', fence))).toBeUndefined();
});

test('a lock that ran out can be neither renewed nor released nor forced', async () => {
  const { fence } = await take(database, 'late', 'mira');
  await age(database, 'late', 900);
  expect(await renewLockNow(database, { ...holder('late', fence), ttl_seconds: 60 })).toBeUndefined();
  expect(await releaseLockNow(database, holder('late', fence))).toBeUndefined();
  const actor = person('root', 'admin');
  expect(await forceReleaseNow(database, { item_code: 'late', actor })).toBeUndefined();
});

test('a late release of the old holder does not free the new lock', async () => {
  const old = await take(database, 'paused', 'mira');
  await age(database, 'paused', 900);
  const current = await take(database, 'paused', 'omar');
  expect(await releaseLockNow(database, holder('paused', old.fence))).toBeUndefined();
  expect((await listLocks(database, { limit: 500 })).rows).toContainEqual(current);
});

test('a release frees the item and is told', async () => {
  const { fence } = await take(database, 'free', 'mira');
  await releaseLockNow(database, holder('free', fence));
  expect((await take(database, 'free', 'omar')).fence).toBe(2);
  expect(await published(database, 'free')).toEqual(['locked 1', 'released 1', 'locked 2']);
});

test('an admin forces any lock, with a fence only that one', async () => {
  await take(database, 'force', 'mira', { reason: 'offline_sync' });
  const actor = person('root', 'admin');
  expect(await forceReleaseNow(database, { item_code: 'force', fence: 9, actor })).toBeUndefined();
  expect((await forceReleaseNow(database, { item_code: 'force', actor }))!.fence).toBe(1);
  expect(await story(database, 'force')).toEqual(['created 1', 'forced 1']);
});

test('locks are listed by session, page by page', async () => {
  for (const item of ['p-1', 'p-2', 'p-3']) await take(database, item, 'mira', { session_id: 'S-list' });
  const first = await listLocks(database, { session_id: 'S-list', limit: 2 });
  expect([first.total, first.rows.map((lock) => lock.item_code)]).toEqual([3, ['p-1', 'p-2']]);
  const second = await listLocks(database, { session_id: 'S-list', limit: 2, cursor: first.next_cursor });
  expect([second.rows.map((lock) => lock.item_code), second.next_cursor]).toEqual([['p-3'], undefined]);
});

test('the history outlives the lock and comes page by page', async () => {
  const { fence } = await take(database, 'told', 'mira');
  await renewLockNow(database, { ...holder('told', fence), ttl_seconds: 60 });
  await releaseLockNow(database, holder('told', fence));
  const first = await lockHistory(database, { item_code: 'told', limit: 2 });
  const second = await lockHistory(database, { item_code: 'told', limit: 2, cursor: first.next_cursor });
  const entries = [...first.rows, ...second.rows];
  expect(entries.map((entry) => [entry.event, entry.by, entry.fence])).toEqual([
    ['created', 'mira', 1],
    ['renewed', 'mira', 1],
    ['released', 'mira', 1],
  ]);
  expect([first.total, second.next_cursor]).toEqual([3, undefined]);
});
