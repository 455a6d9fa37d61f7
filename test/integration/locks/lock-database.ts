import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { ItemLock } from '../../../src/contract/schemas/item-lock.ts';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { takeLockNow } from '../../../src/db/locks/lock-now.ts';
import type { LockRequest } from '../../../src/db/locks/take-locks.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { person } from '../../../src/domain/events/actor.ts';

/** An empty database with the engine's schema; drop it with `dropDatabase`. */
export async function lockDatabase(): Promise<Database> {
  const database = await connectDatabase({ url: inject('mongoUrl'), dbName: `locks_${randomUUID()}` });
  await ensureSchema(database);
  return database;
}

export async function dropDatabase(database: Database): Promise<void> {
  await database.db.dropDatabase();
  await database.client.close();
}

/** A supervisor's request for a manual lock of 900 s. */
export const request = (itemCode: string, who: string, over: Partial<LockRequest> = {}): LockRequest => ({
  item_code: itemCode,
  session_id: 'S-1',
  locked_by: who,
  reason: 'manual',
  ttl_seconds: 900,
  actor: person(who, 'supervisor'),
  ...over,
});

/** Takes a lock that must be free. */
export async function take(
  database: Database,
  itemCode: string,
  who: string,
  over: Partial<LockRequest> = {},
): Promise<ItemLock> {
  const outcome = await takeLockNow(database, request(itemCode, who, over));
  if (!outcome.taken) throw new Error(`${itemCode} is held by ${outcome.holder.locked_by}`);
  return outcome.lock;
}

/** Moves a lock and its history back in time, as if it had been taken earlier. */
export async function age(database: Database, itemCode: string, seconds: number): Promise<void> {
  const back = (field: string) => ({ $subtract: [field, seconds * 1000] });
  const times = [{ $set: { locked_at: back('$locked_at'), expires_at: back('$expires_at') } }];
  await database.locks.updateOne({ item_code: itemCode }, times);
  await database.lockHistory.updateMany({ item_code: itemCode, open: true }, times);
}

/** What happened to an item's locks: `created 1`, `expired 1`, … with the fences. */
export async function story(database: Database, itemCode: string): Promise<string[]> {
  const rows = await database.lockHistory.find({ item_code: itemCode }).sort({ at: 1, _id: 1 }).toArray();
  return rows.map((row) => `${row.event} ${row.fence}`);
}

/** The lock states that the outbox tells of an item, in their order. */
export async function published(database: Database, itemCode: string): Promise<string[]> {
  const rows = await database.outbox
    .find({ 'event.payload.entity_id': itemCode })
    .sort({ at: 1, n: 1 })
    .toArray();
  return rows.map(({ event }) => {
    const { state, fence } = event.payload.data['lock'] as { state: string; fence: number };
    return `${state} ${fence}`;
  });
}
