// What must be true of an item after anything that may have happened to it, whatever won.
import { expect } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { conflictState } from '../sync/sync-engine.ts';
import type { Dispute } from './disputes.ts';

/**
 * Each conflict was resolved once or is pending, and the session says so; the line's versions came one by
 * one; each lock ended at most once and stands exactly when it has not; fences grow; one event for each step.
 */
export async function expectSettled(database: Database, of: Omit<Dispute, 'conflict_id'>): Promise<void> {
  await expectTrueConflicts(database, of);
  await expectTrueLocks(database, of.item_code);
  const events = await eventsOf(database, of.item_code);
  const versions = events.flatMap(({ version }) => (version === undefined ? [] : [version]));
  const line = await database.lines.findOne({ session_id: of.session_id, item_code: of.item_code });
  expect(versions.toSorted()).toEqual(Array.from({ length: line!.version }, (_, n) => n + 1));
}

async function expectTrueConflicts(database: Database, of: Omit<Dispute, 'conflict_id'>): Promise<void> {
  const { sync_status, conflict_items, pending } = await conflictState(database, of.session_id);
  expect(conflict_items).toEqual(pending);
  expect(sync_status).toBe(pending.length > 0 ? 'conflict' : 'synced');
  const { session_id, item_code } = of;
  const conflicts = await database.conflicts.find({ session_id, item_code }).toArray();
  const told = (await eventsOf(database, item_code)).flatMap(({ conflict }) =>
    conflict ? [`${conflict.conflict_id} ${conflict.state}`] : [],
  );
  const expected = conflicts.flatMap(({ conflict_id, status, trail }) => {
    const resolved = trail.filter(({ step }) => step === 'resolved');
    expect(resolved).toHaveLength(status === 'resolved' ? 1 : 0);
    return [`${conflict_id} pending`, ...(status === 'resolved' ? [`${conflict_id} resolved`] : [])];
  });
  expect(told.toSorted()).toEqual(expected.toSorted());
}

async function expectTrueLocks(database: Database, item_code: string): Promise<void> {
  const history = await database.lockHistory.find({ item_code }).toArray();
  const standing = await database.locks.find({ item_code }).toArray();
  const lives = [...Map.groupBy(history, (row) => row.lock_id)];
  for (const [lockId, life] of lives) {
    expect(life.filter((row) => row.event === 'created')).toHaveLength(1);
    const ends = life.filter((row) => row.ended);
    const stands = standing.some((lock) => lock.lock_id === lockId);
    expect(ends.length, `${lockId} ${ends.map(({ event }) => event)}`).toBe(stands ? 0 : 1);
    expect(life.filter((row) => row.open)).toHaveLength(stands ? 1 : 0);
  }
  const created = history.filter((row) => row.event === 'created').map(({ fence }) => fence);
  expect(created.toSorted((a, b) => a - b)).toEqual(Array.from({ length: lives.length }, (_, n) => n + 1));
  expect((await database.lockFences.findOne({ _id: item_code }))?.fence ?? 0).toBe(lives.length);
  const told = (await eventsOf(database, item_code)).flatMap(({ lock }) =>
    lock ? [`${lock.state === 'locked' ? 'created' : lock.state} ${lock.fence}`] : [],
  );
  expect(told.toSorted()).toEqual(history.map(({ event, fence }) => `${event} ${fence}`).toSorted());
}

interface ItemData {
  version?: number;
  lock?: { state: string; fence: number };
  conflict?: { conflict_id: string; state: string };
}

async function eventsOf(database: Database, item_code: string): Promise<ItemData[]> {
  const rows = await database.outbox
    .find({ 'event.type': 'item_update', 'event.payload.entity_id': item_code })
    .toArray();
  return rows.map(({ event }) => event.payload.data as ItemData);
}
