// One batch from the device's SQLite file to the supervisor's WebSocket frame and back to the device row,
// through real HTTP, Redis, MongoDB and sockets.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createUploader, openSyncQueue, type SyncQueue } from '../../../src/device/index.ts';
import { type NodeSqlite, openNodeSqlite } from '../../../src/device-node/node-sqlite.ts';
import {
  call,
  type EngineProcess,
  engineEnvironment,
  spawnEngine,
  token,
  type Watcher,
  watch,
} from '../../support/engine.ts';
import { freshDatabase, freshRedisPrefix, type TestDatabase } from '../../support/test-database.ts';

let database: TestDatabase;
let engine: EngineProcess;
let folder: string;
let supervisor: Watcher;
const open: { queue: SyncQueue; db: NodeSqlite }[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  engine = await spawnEngine(engineEnvironment(database, freshRedisPrefix()));
  folder = await mkdtemp(join(tmpdir(), 'sve-device-'));
  supervisor = await watch(engine.url, await token('supervisor-1', 'supervisor'));
});

afterAll(async () => {
  supervisor?.close();
  for (const { queue, db } of open) {
    await queue.close();
    db.close();
  }
  await engine?.end('SIGTERM');
  if (folder) await rm(folder, { recursive: true, force: true });
  await database?.drop();
});

async function phone(deviceId: string, user: string) {
  const db = openNodeSqlite(join(folder, `${deviceId}.db`));
  const queue = await openSyncQueue(db, { deviceId, keepSynced: true });
  open.push({ queue, db });
  const accessToken = await token(user, 'staff');
  const uploader = createUploader({ queue, url: engine.url, token: () => accessToken, user, fetch });
  return { queue, uploader, user };
}

const sessionId = 'S-1';
const started = () => ({
  operation: 'session_start' as const,
  entity_type: 'session' as const,
  entity_id: sessionId,
  payload: { session_id: sessionId, warehouse: 'W-1', started_at: new Date().toISOString() },
});
const counted = (item: string, quantity: number) => ({
  operation: 'count_update' as const,
  entity_type: 'count_line' as const,
  payload: {
    session_id: sessionId,
    item_code: item,
    counted_qty: quantity,
    counted_at: new Date().toISOString(),
    erp_qty: 10,
    unit_value: 2.5,
  },
});

it('carries counts from the device file to the supervisor and their verdicts back', async () => {
  const { queue, uploader, user } = await phone('phone-1', 'staff-1');
  await queue.enqueue(started(), user);
  await queue.enqueue(counted('A-1', 8), user);

  const report = await uploader.syncOnce();

  expect(report).toMatchObject({ synced: 2, conflict: 0, failed: 0, state: 'idle' });
  expect((await queue.list({})).map((row) => row.status)).toEqual(['synced', 'synced']);
  const frame = await supervisor.until((event) => event.payload.entity_id === 'A-1');
  expect(frame).toMatchObject({
    type: 'item_update',
    payload: {
      action: 'update',
      data: { session_id: sessionId, physical_count: 8, erp_quantity: 10, variance: -2, version: 1 },
      actor: { user_id: 'staff-1', role: 'staff' },
    },
    target_roles: ['supervisor', 'admin'],
  });
  expect(frame.id).toMatch(/^\d+-\d+$/);
  const stored = await database.db.collection('count_lines').find().toArray();
  expect(stored).toHaveLength(1);
  expect(stored[0]).toMatchObject({ counted_qty: 8, variance: -2, variance_value: -5, version: 1 });
});

it('shows a second phone its conflict, and tells it once a supervisor has resolved it', async () => {
  const { queue, uploader, user } = await phone('phone-2', 'staff-2');
  await queue.enqueue(counted('A-1', 9), user);

  expect(await uploader.syncOnce()).toMatchObject({ conflict: 1, synced: 0 });
  const opened = await supervisor.until((event) => 'conflict' in event.payload.data);
  const locked = await supervisor.until((event) => 'lock' in event.payload.data);
  expect(locked.payload.data['lock']).toMatchObject({ state: 'locked', reason: 'offline_sync', fence: 1 });
  expect((await database.db.collection('count_sessions').findOne())!).toMatchObject({
    sync_status: 'conflict',
    conflict_items: ['A-1'],
  });

  const { conflict_id } = opened.payload.data['conflict'] as { conflict_id: string };
  const boss = await token('supervisor-1', 'supervisor');
  const path = `/api/sync/conflicts/${conflict_id}`;
  const claim = await call(engine.url, boss, 'POST', `${path}/claim`);
  expect(claim).toMatchObject({ status: 200, body: { lock: { fence: 2, reason: 'conflict_resolution' } } });
  const resolution = { resolution: 'keep_local', server_version: 1, fence: 2 };
  expect(await call(engine.url, boss, 'POST', `${path}/resolve`, resolution)).toMatchObject({
    status: 200,
    body: { success: true, line: { counted_qty: 9, version: 2, counted_by: 'staff-2' } },
  });

  expect(await uploader.syncOnce()).toMatchObject({ resolved: 1 });
  expect((await queue.list({})).map((row) => row.status)).toEqual(['synced']);
  await supervisor.until(
    (event) => (event.payload.data['lock'] as { state?: string } | undefined)?.state === 'resolved',
  );
  expect((await database.db.collection('count_sessions').findOne())!).toMatchObject({
    sync_status: 'synced',
    conflict_items: [],
  });
  expect(await database.db.collection('item_locks').countDocuments()).toBe(0);
});

it('tells a supervisor the figures of a completed session', async () => {
  const { queue, uploader, user } = await phone('phone-3', 'staff-1');
  await queue.enqueue(
    {
      operation: 'session_complete',
      entity_type: 'session',
      entity_id: sessionId,
      payload: { session_id: sessionId, completed_at: new Date().toISOString() },
    },
    user,
  );
  expect(await uploader.syncOnce()).toMatchObject({ synced: 1 });
  const complete = await supervisor.until((event) => event.type === 'count_complete');
  expect(complete.payload.data).toMatchObject({
    session_id: sessionId,
    total_items: 1,
    items_with_variance: 1,
    accuracy_rate: 0,
  });
});
