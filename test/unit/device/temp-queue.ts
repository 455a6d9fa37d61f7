import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Operation } from '../../../src/device/enqueue-operation.ts';
import type { SqliteRow } from '../../../src/device/sqlite-port.ts';
import { openSyncQueue, type SyncQueue, type SyncQueueOptions } from '../../../src/device/sync-queue.ts';
import { type NodeSqlite, openNodeSqlite } from '../../../src/device-node/node-sqlite.ts';

/** A path for a database file that is gone after the test. */
export function tempDatabasePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'device-queue-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'queue.db');
}

export interface Clock {
  now: () => number;
  advance(ms: number): void;
}

export function fakeClock(startMs = 1_760_000_000_000): Clock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}

export interface OpenQueue {
  queue: SyncQueue;
  db: NodeSqlite;
  clock: Clock;
  path: string;
}

/** A queue in a real file, with a clock that stands still and no jitter. */
export async function openTestQueue(
  options: SyncQueueOptions & { path?: string; clock?: Clock } = {},
): Promise<OpenQueue> {
  const { path = tempDatabasePath(), clock = fakeClock(), ...rest } = options;
  const db = openNodeSqlite(path);
  onTestFinished(() => {
    try {
      db.close();
    } catch {
      // Closed by the test.
    }
  });
  const queue = await openSyncQueue(db, { now: clock.now, random: () => 0, ...rest });
  return { queue, db, clock, path };
}

export function count(sessionId: string, itemCode: string, more: Record<string, unknown> = {}): Operation {
  return {
    operation: 'count_update',
    entity_type: 'count_line',
    payload: {
      session_id: sessionId,
      item_code: itemCode,
      counted_qty: 7,
      counted_at: '2025-10-09T08:00:00Z',
      ...more,
    },
  };
}

export function start(sessionId: string): Operation {
  const payload = { session_id: sessionId, warehouse: 'W1', started_at: '2025-10-09T07:00:00Z' };
  return { operation: 'session_start', entity_type: 'session', entity_id: sessionId, payload };
}

export function complete(sessionId: string): Operation {
  const payload = { session_id: sessionId, completed_at: '2025-10-09T09:00:00Z' };
  return { operation: 'session_complete', entity_type: 'session', entity_id: sessionId, payload };
}

/** Plain rows of the published table, read beside the queue. */
export function storedRows(db: NodeSqlite): SqliteRow[] {
  return db.all('SELECT * FROM sync_queue ORDER BY id', []) as SqliteRow[];
}
