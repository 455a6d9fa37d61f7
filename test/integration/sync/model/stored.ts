// What the collections hold of a run, in the words of the model.
import { hash } from 'node:crypto';
import { Binary } from 'mongodb';
import type { World } from './world.ts';

export const sorted = <T extends object>(rows: T[]): T[] =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

export async function storedSessions({ engine, sessions }: World) {
  const rows = await engine.database.sessions.find({ session_id: { $in: [...sessions] } }).toArray();
  return sorted(
    rows.map((row) => ({
      session: row.session_id,
      warehouse: row.warehouse,
      type: row.type,
      status: row.status,
      by: row.staff_user,
      startedAt: row.started_at.getTime(),
      closedAt: row.closed_at?.getTime() ?? null,
      sync: row.sync_status,
      items: row.conflict_items.toSorted(),
    })),
  );
}

export async function storedLines({ engine, sessions }: World) {
  const rows = await engine.database.lines.find({ session_id: { $in: [...sessions] } }).toArray();
  return sorted(
    rows.map((row) => ({
      session: row.session_id,
      item: row.item_code,
      place: row.location,
      qty: row.counted_qty,
      version: row.version,
      by: row.counted_by,
      at: row.counted_at.getTime(),
      adjusted: row.time_adjusted,
      device: row.device_id,
      epoch: row.queue_epoch,
      voided: row.voided_at !== undefined,
    })),
  );
}

export async function storedDisputes({ engine, sessions, conflictIds }: World) {
  const rows = await engine.database.conflicts.find({ session_id: { $in: [...sessions] } }).toArray();
  const order = (id: string) => conflictIds.indexOf(id);
  return rows
    .toSorted((a, b) => order(a.conflict_id) - order(b.conflict_id))
    .map((row) => ({
      id: row.conflict_id,
      type: row.conflict_type,
      session: row.session_id,
      item: row.item_code,
      place: row.location,
      device: row.device_id,
      epoch: row.queue_epoch,
      base: row.base_version,
      qty: row.local_value.counted_qty,
      by: row.local_value.counted_by,
      at: row.local_value.counted_at.getTime(),
      adjusted: row.local_details.time_adjusted,
      steps: row.trail.map(({ step, by }) => `${step} ${by}`),
      resolution: row.resolution,
    }));
}

export async function storedLocks({ engine, items }: World) {
  const { locks, lockHistory } = engine.database;
  const ofRun = { item_code: { $in: [...items] } };
  const active = await locks.find({ ...ofRun, $expr: { $gt: ['$expires_at', '$$NOW'] } }).toArray();
  const history = await lockHistory.find(ofRun).sort({ _id: 1 }).toArray();
  const fact = (row: (typeof active)[number]) => ({
    item: row.item_code,
    session: row.session_id,
    by: row.locked_by,
    reason: row.reason as string,
    fence: row.fence,
  });
  const lives = [...Map.groupBy(history, (row) => row.lock_id).values()];
  return {
    // L2: a lock that is still there ends within 15 minutes of its beginning, whatever was renewed.
    tooLong: active.filter((row) => row.expires_at.getTime() - row.locked_at.getTime() > 900_000).map(fact),
    active: sorted(active.map(fact)),
    lockHistory: sorted(lives.map((life) => ({ ...fact(life[0]!), events: life.map(({ event }) => event) }))),
  };
}

/** Rows are found by what names an operation; one that never got a verdict must have none. */
export async function storedLedger({ engine, deliveries, conflictIds }: World) {
  const keys = new Map<string, string>();
  for (const { device, epoch, rows } of deliveries) {
    for (const { id } of rows) {
      const digest = hash('sha256', `${device}\n${epoch}\n${id}`, 'buffer').subarray(0, 16);
      keys.set(digest.toString('hex'), `${device}|${epoch}|${id}`);
    }
  }
  const ids = [...keys.keys()].map((key) => new Binary(Buffer.from(key, 'hex')));
  const rows = await engine.database.operations.find({ _id: { $in: ids } }).toArray();
  return sorted(
    rows.map(({ _id, verdict, code, conflict_id }) => ({
      key: keys.get(Buffer.from(_id.buffer).toString('hex')),
      verdict,
      ...(code ? { code } : {}),
      ...(conflict_id ? { dispute: conflictIds.indexOf(conflict_id) } : {}),
    })),
  );
}

export async function storedEvents({ engine, startedAt, items }: World) {
  const rows = await engine.database.outbox
    .find({
      _id: { $gt: startedAt },
      'event.type': 'item_update',
      'event.payload.entity_id': { $in: [...items] },
    })
    .toArray();
  const lineEvents: string[] = [];
  const lockEvents: string[] = [];
  for (const { event } of rows) {
    const { session_id, item_code, location, version, lock } = event.payload.data as Record<string, unknown>;
    if (version !== undefined) lineEvents.push(`${session_id}|${item_code}|${location} v${version}`);
    if (lock === undefined) continue;
    const { fence, state } = lock as { fence: number; state: string };
    lockEvents.push(`${item_code} ${fence} ${state}`);
  }
  return { lineEvents: lineEvents.toSorted(), lockEvents: lockEvents.toSorted() };
}
