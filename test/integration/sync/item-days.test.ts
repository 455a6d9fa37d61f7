// An item's day follows from all its locations: writers of different locations have to meet (invariant A2).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sent } from '../../unit/sync/fixtures.ts';
import { type SyncEngine, syncEngine } from './sync-engine.ts';

const ROUNDS = 15;

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

test('a void and a recount of two locations at once mark the day on which the item falls in the end', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const session_id = `days ${round}`;
    const device_id = `days ${round}`;
    const count = (id: number, location: string, day: string) =>
      sent.count(id, id, { session_id, location, counted_at: `2026-02-${day}T12:00:00.000Z` });
    await engine.upload([sent.start(1, { session_id }), count(2, 'A', '20'), count(3, 'B', '07')], {
      device_id,
    });
    const latest = await engine.database.lines.findOne({ session_id, location: 'A' });
    await engine.database.dirtyPeriods.deleteMany({});

    await Promise.all([
      engine.voidLine(session_id, latest!.id),
      engine.upload([count(4, 'B', '09')], { device_id }),
    ]);

    const marks = await engine.database.dirtyPeriods.distinct('day');
    expect(marks, `round ${round}`).toContain('2026-02-09');
  }
});
