import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../../src/device/enqueue-operation.ts';
import { openNodeSqlite } from '../../../src/device-node/node-sqlite.ts';
import { count, openTestQueue, start, storedRows, tempDatabasePath } from './temp-queue.ts';

describe('enqueue', () => {
  test('stores a row with the published columns and defaults', async () => {
    const { queue, db, clock } = await openTestQueue();
    const id = await queue.enqueue(start('s1'), 'ann');
    expect(id).toBe(1);
    expect(storedRows(db)).toEqual([
      {
        id: 1,
        operation: 'session_start',
        entity_type: 'session',
        entity_id: 's1',
        payload: JSON.stringify(start('s1').payload),
        created_at: clock.now(),
        retry_count: 0,
        max_retries: 3,
        status: 'pending',
        error_message: null,
        synced_at: null,
      },
    ]);
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = { cycle };
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  test.each([
    ['undefined', undefined, 'payload:'],
    ['undefined inside', { a: { b: undefined } }, 'payload.a.b:'],
    ['NaN', { qty: [1, Number.NaN] }, 'payload.qty[1]:'],
    ['Infinity', { qty: Number.POSITIVE_INFINITY }, 'payload.qty:'],
    ['a function', { f: () => 1 }, 'payload.f:'],
    ['a symbol', { s: Symbol('s') }, 'payload.s:'],
    ['a bigint', { n: 1n }, 'payload.n:'],
    ['a date', { at: new Date(0) }, 'payload.at:'],
    ['a map', new Map(), 'payload:'],
    ['a hole', { list: Object.assign([1], { 2: 3 }) }, 'payload.list[1]:'],
    ['a cycle', cycle, 'payload.self.cycle:'],
    ['endless depth', deep, 'nested'],
  ])('refuses %s and stores nothing', async (_name, payload, place) => {
    const { queue, db } = await openTestQueue();
    const refused = await queue.enqueue({ ...start('s1'), payload }, 'ann').catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'DeviceQueueError', code: 'invalid_payload' });
    expect((refused as Error).message).toContain(place);
    expect(storedRows(db)).toEqual([]);
  });

  test('takes the same object twice in one payload: that is no cycle', async () => {
    const { queue } = await openTestQueue();
    const shared = { a: 1 };
    await queue.enqueue({ ...start('s1'), payload: { x: shared, y: shared, z: null } }, 'ann');
    expect((await queue.list())[0]!.payload).toEqual({ x: { a: 1 }, y: { a: 1 }, z: null });
  });

  test.each([-1, 11, 1.5, Number.NaN, '3'])('refuses max_retries %s', async (value) => {
    const { queue } = await openTestQueue();
    const operation = { ...start('s1'), max_retries: value as number };
    await expect(queue.enqueue(operation, 'ann')).rejects.toMatchObject({ code: 'invalid_max_retries' });
  });

  test.each([0, 10])('takes max_retries %i', async (value) => {
    const { queue, db } = await openTestQueue();
    await queue.enqueue({ ...start('s1'), max_retries: value }, 'ann');
    expect(storedRows(db)[0]).toMatchObject({ max_retries: value });
  });

  test.each([
    ['operation', { ...start('s1'), operation: '' as 'session_start' }, 'ann'],
    ['entity_type', { ...start('s1'), entity_type: 7 as unknown as 'session' }, 'ann'],
    ['entity_id', { ...start('s1'), entity_id: ' ' }, 'ann'],
    ['user', start('s1'), ''],
  ])('refuses a blank %s', async (_field, operation, user) => {
    const { queue } = await openTestQueue();
    await expect(queue.enqueue(operation as Operation, user)).rejects.toMatchObject({
      code: 'invalid_operation',
    });
  });

  test('stores the payload as it was at the call', async () => {
    const { queue } = await openTestQueue();
    const payload = { session_id: 's1', item_code: 'A', counted_qty: 1 };
    const stored = queue.enqueue({ ...count('s1', 'A'), payload }, 'ann');
    payload.counted_qty = 99;
    await stored;
    expect((await queue.list())[0]!.payload).toMatchObject({ counted_qty: 1 });
  });

  test('what it acknowledged survives a SIGKILL', async () => {
    const path = tempDatabasePath();
    const child = spawn(process.execPath, [new URL('./enqueue-forever.ts', import.meta.url).pathname, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (printed.split('\n').length > 60) child.kill('SIGKILL');
    });
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGKILL');
    // The last line may have been cut in the middle; every whole one was acknowledged.
    const acknowledged = printed.split('\n').slice(0, -1).map(Number);

    const { queue } = await openTestQueue({ path });
    const ids = (await queue.list({ status: 'pending' })).map((row) => row.id);
    expect(ids.slice(0, acknowledged.length)).toEqual(acknowledged);
    expect(ids.length - acknowledged.length).toBeLessThan(100);
  });
});

describe('opening', () => {
  test('makes the published table and indexes to the letter, in WAL with synchronous FULL', async () => {
    const { db } = await openTestQueue();
    const published = openNodeSqlite(':memory:');
    published.exec(PUBLISHED_SQL);
    const schema = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'sync_queue' ORDER BY name";
    expect(db.all(schema, [])).toEqual(published.all(schema, []));
    expect(db.all('PRAGMA journal_mode', [])).toEqual([{ journal_mode: 'wal' }]);
    expect(db.all('PRAGMA synchronous', [])).toEqual([{ synchronous: 2 }]);
  });

  test('returns rows left syncing to pending and keeps device, epoch and the rest', async () => {
    const { queue, db, path } = await openTestQueue({ deviceId: 'scanner-1' });
    await queue.enqueue(start('s1'), 'ann');
    await queue.enqueue(count('s1', 'A'), 'ann');
    const before = await queue.claimBatch({ user: 'ann', limit: 1 });
    expect(storedRows(db).map((row) => row['status'])).toEqual(['syncing', 'pending']);
    db.close();

    const again = await openTestQueue({ path, deviceId: 'another-name' });
    expect(storedRows(again.db).map((row) => [row['status'], row['retry_count']])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ]);
    const after = await again.queue.claimBatch({ user: 'ann', limit: 500 });
    expect(after).toEqual({ ...before, resumed: true });
    expect(after!.device_id).toBe('scanner-1');
  });

  test('never gives an id twice, also when its row has left', async () => {
    const { queue, db, path } = await openTestQueue();
    await queue.enqueue(start('s1'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    await queue.settle([{ id: 1, verdict: 'applied' }]);
    expect(storedRows(db)).toEqual([]);
    db.close();
    const again = await openTestQueue({ path });
    expect(await again.queue.enqueue(start('s2'), 'ann')).toBe(2);
  });

  test('refuses a file of a newer version and leaves it as it was', async () => {
    const { queue, db, path } = await openTestQueue();
    await queue.enqueue(start('s1'), 'ann');
    await queue.claimBatch({ user: 'ann', limit: 1 });
    db.exec('UPDATE sync_queue_device SET schema_version = 99');
    await expect(openTestQueue({ path })).rejects.toMatchObject({ code: 'newer_schema' });
    expect(storedRows(db)[0]).toMatchObject({ status: 'syncing' });
  });

  test('after close everything is refused', async () => {
    const { queue } = await openTestQueue();
    const last = queue.enqueue(start('s1'), 'ann');
    await queue.close();
    expect(await last).toBe(1);
    await expect(queue.enqueue(start('s2'), 'ann')).rejects.toMatchObject({ code: 'queue_closed' });
    await expect(queue.stats()).rejects.toMatchObject({ code: 'queue_closed' });
  });
});

const PUBLISHED_SQL = `
CREATE TABLE sync_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  operation TEXT NOT NULL,         -- 'count_update', 'session_complete', 'session_start'
  entity_type TEXT NOT NULL,       -- 'count_line', 'session'
  entity_id TEXT,                  -- Optional: existing entity ID
  payload TEXT NOT NULL,           -- JSON serialized operation data
  created_at INTEGER NOT NULL,     -- Unix timestamp
  retry_count INTEGER DEFAULT 0,
  max_retries INTEGER DEFAULT 3,
  status TEXT DEFAULT 'pending',   -- 'pending', 'syncing', 'synced', 'failed', 'conflict'
  error_message TEXT,
  synced_at INTEGER
);

CREATE INDEX idx_sync_queue_status ON sync_queue(status);
CREATE INDEX idx_sync_queue_created ON sync_queue(created_at);
`;
