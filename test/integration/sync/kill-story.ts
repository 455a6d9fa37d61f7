// One device's batches in which every kind of write occurs, and the state that they leave, comparable between runs.
import { Binary, ObjectId } from 'mongodb';
import type { Database } from '../../../src/db/database.ts';
import { storeBatch } from '../../../src/db/sync/sync-batches.ts';
import { decideChunk } from '../../../src/domain/sync/decide-chunk.ts';
import { batchContentHash } from '../../../src/domain/sync/identity.ts';
import { inbox, type SentItem, sent } from '../../unit/sync/fixtures.ts';

export const DEVICE = 'killed';
const OTHER = 'other';
const POISON = 31;

const at = (session_id: string, item_code: string, location = '') => ({ session_id, item_code, location });

/** What stands there before: a session with lines of another device, and a closed one. */
const BEFORE: readonly SentItem[] = [
  sent.start(1, { session_id: 'open' }),
  sent.count(2, 10, at('open', 'bolt')),
  sent.count(3, 4, at('open', 'nut', 'A1')),
  sent.start(4, { session_id: 'closed' }),
  sent.complete(5, { session_id: 'closed' }),
];

const BATCHES: readonly (readonly SentItem[])[] = [
  [
    sent.start(1, { session_id: 'new', type: 'BLIND' }),
    sent.count(2, 5, at('new', 'washer')),
    sent.count(3, 3, at('new', 'washer', 'A2')),
    sent.count(4, 6, at('new', 'washer')),
    sent.count(5, 7, at('open', 'bolt')),
    sent.count(6, 4, at('open', 'nut', 'B1')),
    sent.count(7, 9, at('closed', 'bolt')),
    sent.count(8, -1, at('open', 'bolt')),
    sent.count(9, 1, at('nowhere', 'bolt')),
    sent.complete(10, { session_id: 'new' }),
  ],
  [
    sent.count(5, 7, at('open', 'bolt')),
    sent.count(21, 8, at('open', 'bolt')),
    sent.count(22, 5, { ...at('open', 'nut', 'A1'), base_version: 1 }),
  ],
  [
    sent.count(30, 1, at('open', 'gear')),
    sent.count(POISON, 2, at('open', 'gear')),
    sent.count(32, 3, at('open', 'gear')),
  ],
];

/** Operations of the story that get a verdict of record: all but the one in a session that nobody knows. */
export const RECORDED_IDS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 21, 22, 30, POISON, 32];

/** Fails for good on one operation, so that setting aside is part of the story. */
export const failingDecision: typeof decideChunk = (items, ...rest) => {
  if (items.some(({ id }) => id === POISON)) throw new TypeError('poison');
  return decideChunk(items, ...rest);
};

const store = (database: Database, device_id: string, items: readonly SentItem[], batch_id: string) => {
  const read = items.map(inbox);
  return storeBatch(database, {
    batch_id,
    device_id,
    queue_epoch: 'e1',
    user_id: device_id,
    role: 'staff',
    content: batchContentHash(device_id, 'e1', read),
    sent_at: new Date(),
    queue_remaining: 0,
    items: read,
  });
};

export const UPLOAD_ID = 'upload';

/** The upload whose process is killed. */
export const storeUpload = (database: Database) =>
  store(database, DEVICE, [sent.start(1, { session_id: 'new' })], UPLOAD_ID);

/** Empties the database and stores what the story begins with; `drain` applies the other device's part. */
export async function beginStory(database: Database, drain: (deviceId: string) => Promise<void>) {
  for (const collection of collectionsOf(database)) {
    if (collection.collectionName !== database.settings.collectionName) await collection.deleteMany({});
  }
  await store(database, OTHER, BEFORE, 'before');
  await drain(OTHER);
}

export async function storeBatches(database: Database): Promise<void> {
  for (const [index, items] of BATCHES.entries()) await store(database, DEVICE, items, `batch ${index}`);
}

type AnyCollection = Database['db'] extends { collection(name: string): infer C } ? C : never;

const collectionsOf = (database: Database): AnyCollection[] =>
  Object.values(database).filter(
    (member): member is AnyCollection =>
      typeof member === 'object' && member !== null && 'collectionName' in member,
  );

const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/**
 * Left out: how often a batch was started and how it was split (a death makes the engine careful), the clock
 * skew, an event's place in its transaction. Leases have nothing to say once all is done.
 */
const LEFT_OUT = new Set(['attempts', 'isolate_until', 'contended_starts', 'clock_skew_ms', 'n']);

/** All documents by collection, sorted, without what differs between two runs by nature: ids and times. */
export async function finalState(database: Database): Promise<Record<string, string[]>> {
  const state: Record<string, string[]> = {};
  for (const collection of collectionsOf(database)) {
    if (collection.collectionName === 'engine_leases') continue;
    const rows = await collection.find().toArray();
    state[collection.collectionName] = rows.map((row) => comparable(row)).toSorted();
  }
  return state;
}

const comparable = (row: unknown): string => JSON.stringify(plain(row)).replace(UUID, '#').replace(TIME, 'T');

function plain(value: unknown): unknown {
  if (value instanceof Binary) return Buffer.from(value.buffer).toString('base64');
  if (value instanceof ObjectId) return undefined;
  if (value instanceof Date || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(plain);
  const fields = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, plain(v)]));
}
