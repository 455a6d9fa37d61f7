import { DeviceQueueError } from './device-queue-error.ts';
import { inTransaction, inTurn } from './one-writer.ts';
import { randomHex } from './random-ids.ts';
import { ROW_TRANSITIONS } from './row-transitions.ts';
import { type SqliteDatabase, select } from './sqlite-port.ts';

const SCHEMA_VERSION = 1;

/**
 * An operation that was acknowledged to the app has to survive a power cut: with `synchronous=NORMAL` a
 * WAL database may lose its last commits then. `fullfsync` makes iOS flush the drive's cache as well and
 * does nothing elsewhere.
 */
const PRAGMAS = `
PRAGMA busy_timeout = 5000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
`;

/** The published table, to the letter; whatever else we know lives in tables of our own. */
const SYNC_QUEUE = `
CREATE TABLE IF NOT EXISTS sync_queue (
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

CREATE INDEX IF NOT EXISTS idx_sync_queue_status ON sync_queue(status);
CREATE INDEX IF NOT EXISTS idx_sync_queue_created ON sync_queue(created_at);
`;

const OUR_TABLES = `
CREATE TABLE IF NOT EXISTS sync_queue_device (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  schema_version INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  queue_epoch TEXT NOT NULL        -- the epoch that new rows get
);

CREATE TABLE IF NOT EXISTS sync_queue_rows (
  row_id INTEGER PRIMARY KEY,      -- sync_queue.id
  user TEXT NOT NULL,              -- whose token may carry it
  queue_epoch TEXT NOT NULL,       -- with the device and the id: its identity at the server
  session_id TEXT,                 -- rows of one session keep their order
  frozen INTEGER NOT NULL DEFAULT 0,      -- claimed once: its content never changes again
  unanswered INTEGER NOT NULL DEFAULT 0,  -- claimed and no verdict since: the server may know it
  verdict TEXT,                    -- the last one
  code TEXT,
  conflict_id TEXT,
  retry_at INTEGER                 -- ms; set while a failed row waits to go again
);
CREATE INDEX IF NOT EXISTS idx_sync_queue_rows_retry ON sync_queue_rows(retry_at) WHERE retry_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS sync_queue_lines (
  session_id TEXT NOT NULL,
  item_code TEXT NOT NULL,
  location TEXT NOT NULL,
  version INTEGER NOT NULL,        -- the server's, as far as this device was told
  after_row_id INTEGER NOT NULL,   -- only rows enqueued after this one were counted knowing it
  PRIMARY KEY (session_id, item_code, location)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sync_queue_uploads (
  batch_id TEXT PRIMARY KEY,       -- sent, or about to be, and not yet answered
  user TEXT NOT NULL,
  row_ids TEXT NOT NULL            -- JSON array, in the order sent
);
`;

/**
 * Makes or completes the tables, names the device once, and puts rows that a crash left `syncing` back
 * to `pending`; their upload stays recorded, so it goes out again as it was.
 */
export async function prepareDatabase(db: SqliteDatabase, deviceId: string | undefined): Promise<void> {
  await inTurn(db, async () => db.exec(PRAGMAS));
  await inTransaction(db, async () => {
    await db.exec(SYNC_QUEUE);
    await db.exec(OUR_TABLES);
    await db.run(
      'INSERT OR IGNORE INTO sync_queue_device (only_row, schema_version, device_id, queue_epoch) VALUES (1, ?, ?, ?)',
      [SCHEMA_VERSION, deviceId ?? `device-${await randomHex(db, 16)}`, await randomHex(db, 8)],
    );
    await assertKnownSchema(db);
    await db.run('UPDATE sync_queue SET status = ? WHERE status = ?', [
      ROW_TRANSITIONS.reopened.syncing,
      'syncing',
    ]);
  });
}

async function assertKnownSchema(db: SqliteDatabase): Promise<void> {
  const [device] = await select<{ schema_version: number }>(
    db,
    'SELECT schema_version FROM sync_queue_device',
  );
  if (device === undefined || device.schema_version > SCHEMA_VERSION) {
    throw new DeviceQueueError(
      'newer_schema',
      'The queue was last opened by a newer version of this library; update the app. Nothing was changed.',
    );
  }
}

export interface DeviceIdentity {
  deviceId: string;
  /** The epoch that new rows get. */
  queueEpoch: string;
}

/** Who this device is to the server. */
export async function readDevice(db: SqliteDatabase): Promise<DeviceIdentity> {
  const [device] = await select<{ device_id: string; queue_epoch: string }>(
    db,
    'SELECT device_id, queue_epoch FROM sync_queue_device',
  );
  return { deviceId: device!.device_id, queueEpoch: device!.queue_epoch };
}
