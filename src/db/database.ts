import type { Binary, Collection, Db, Document, MongoClient, ObjectId } from 'mongodb';
import type { CountLine } from '../contract/schemas/count-line.ts';
import type { CountSession } from '../contract/schemas/count-session.ts';
import type { ItemLock } from '../contract/schemas/item-lock.ts';
import type { SyncConflict } from '../contract/schemas/sync-conflict.ts';
import type { UserPreferences } from '../contract/schemas/user-preferences.ts';
import type { VarianceAnalytics } from '../contract/schemas/variance-analytics.ts';
import type { BackfillRun } from './backfill-runs.ts';
import type { DeadLetterAction } from './dead-letters/actions.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { DirtyMark } from './dirty-periods.ts';
import type { EngineSetting } from './engine-settings.ts';
import type { ErpItem } from './erp-items.ts';
import type { Lease } from './leases.ts';
import type { LockHistoryRow } from './locks/history-row.ts';
import type { OutboxRow } from './outbox.ts';
import { RevivingClient } from './reviving-client.ts';
import type { ScheduleRun } from './schedule-runs.ts';
import type { ScheduleState } from './schedule-states.ts';
import type { Device } from './sync/devices.ts';
import type { SyncBatch } from './sync/sync-batches.ts';
import type { SyncOperation } from './sync/sync-operations.ts';
import { timeLimited } from './time-limited.ts';
import { createSlots, type Slots } from './transaction-slots.ts';
import type { PeriodGuard } from './variance/period-guards.ts';

/** Every collection the engine uses, typed. Opened once per process and passed as an argument. */
export interface Database {
  readonly client: MongoClient;
  readonly db: Db;
  /** Bounds the transactions that this process has open at once. */
  readonly transactionSlots: Slots;
  readonly sessions: Collection<CountSession>;
  readonly lines: Collection<CountLine>;
  readonly erpItems: Collection<ErpItem>;
  readonly conflicts: Collection<SyncConflict>;
  readonly locks: Collection<ItemLock>;
  readonly lockFences: Collection<{ _id: string; fence: number }>;
  readonly lockHistory: Collection<LockHistoryRow>;
  readonly preferences: Collection<UserPreferences>;
  readonly analytics: Collection<VarianceAnalytics>;
  readonly batches: Collection<SyncBatch>;
  readonly operations: Collection<SyncOperation>;
  /** Ledger rows that an administrator moved out of `operations`; read together with it. */
  readonly archivedOperations: Collection<SyncOperation>;
  readonly devices: Collection<Device>;
  readonly deviceSessions: Collection<{ _id: Binary; at: Date }>;
  readonly outbox: Collection<OutboxRow>;
  readonly dirtyPeriods: Collection<DirtyMark>;
  readonly periodGuards: Collection<PeriodGuard>;
  readonly scheduleRuns: Collection<ScheduleRun>;
  readonly scheduleStates: Collection<ScheduleState>;
  readonly backfillRuns: Collection<BackfillRun>;
  readonly deadLetters: Collection<DeadLetter>;
  readonly deadLetterActions: Collection<DeadLetterAction>;
  readonly leases: Collection<Lease>;
  readonly settings: Collection<EngineSetting>;
  readonly users: Collection<{ _id: ObjectId }>;
}

export interface DatabaseOptions {
  url: string;
  dbName: string;
  sessionsCollection?: string;
  /** Shows in the server's list of connections. */
  appName?: string;
  /** How long a command may stay silent; 0 = for ever, for scans of a whole collection. Default 60 s. */
  socketTimeoutMs?: number;
}

// Fewer than connections: transactions that wait for each other's rows must leave some for those that hold
// the rows, else all of them stand still until a timeout (seen with 50 takers of one lock).
const MAX_POOL_SIZE = 30;
const MAX_OPEN_TRANSACTIONS = 20;

// Ordered: a command gives up (db/time-limited.ts, 10 s) before its socket does.
const CONNECT_TIMEOUT_MS = 10_000;
const SERVER_SELECTION_TIMEOUT_MS = 5_000;
const SOCKET_TIMEOUT_MS = 60_000;

/** Connects and names the collections; makes nothing. Throws the driver's error when no server answers. */
export async function connectDatabase(options: DatabaseOptions): Promise<Database> {
  const client = new RevivingClient(options.url, {
    appName: options.appName ?? 'stock-verify-engine',
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
    socketTimeoutMS: options.socketTimeoutMs ?? SOCKET_TIMEOUT_MS,
    maxPoolSize: MAX_POOL_SIZE,
    ignoreUndefined: true,
    writeConcern: { w: 'majority' },
    readConcern: { level: 'majority' },
  });
  await client.connect();
  const db = client.db(options.dbName);
  const collection = <T extends Document>(name: string): Collection<T> => timeLimited(db.collection<T>(name));
  return {
    client,
    db,
    transactionSlots: createSlots(MAX_OPEN_TRANSACTIONS),
    sessions: collection(options.sessionsCollection ?? 'count_sessions'),
    lines: collection('count_lines'),
    erpItems: collection('erp_items'),
    conflicts: collection('sync_conflicts'),
    locks: collection('item_locks'),
    lockFences: collection('item_lock_fences'),
    lockHistory: collection('item_lock_history'),
    preferences: collection('user_preferences'),
    analytics: collection('variance_analytics'),
    batches: collection('sync_batches'),
    operations: collection('sync_operations'),
    archivedOperations: collection('sync_operations_archive'),
    devices: collection('sync_devices'),
    deviceSessions: collection('sync_device_sessions'),
    outbox: collection('realtime_outbox'),
    dirtyPeriods: collection('dirty_periods'),
    periodGuards: collection('variance_period_guards'),
    scheduleRuns: collection('schedule_runs'),
    scheduleStates: collection('schedule_states'),
    backfillRuns: collection('backfill_runs'),
    deadLetters: collection('dead_letters'),
    deadLetterActions: collection('dead_letter_actions'),
    leases: collection('engine_leases'),
    settings: collection('engine_settings'),
    users: collection('users'),
  };
}
