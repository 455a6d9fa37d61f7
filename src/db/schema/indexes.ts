import type { CreateIndexesOptions, IndexSpecification } from 'mongodb';
import type { Database } from '../database.ts';

type CollectionKey = Exclude<keyof Database, 'client' | 'db' | 'transactionSlots'>;

export interface IndexDefinition {
  collection: CollectionKey;
  key: IndexSpecification & Record<string, 1 | -1>;
  name: string;
  unique?: true;
  expireAfterSeconds?: number;
  partialFilterExpression?: NonNullable<CreateIndexesOptions['partialFilterExpression']>;
  /** Without it an invariant does not hold: the engine refuses to start. */
  required?: true;
}

const DAY_SECONDS = 86_400;

/** Every index as data: the seed's and what the queries need (contract 5). */
export const INDEXES: readonly IndexDefinition[] = [
  { collection: 'sessions', key: { session_id: 1 }, name: 'sve_session', unique: true, required: true },
  { collection: 'sessions', key: { sync_status: 1 }, name: 'sve_sync_status' },
  { collection: 'sessions', key: { status: 1, session_id: 1 }, name: 'sve_status' },
  {
    collection: 'lines',
    key: { session_id: 1, item_code: 1, location: 1 },
    name: 'sve_line',
    unique: true,
    // Rows of the deployed app have no version and may repeat an item.
    partialFilterExpression: { version: { $exists: true } },
    required: true,
  },
  // `session_id` after the time: the sessions of a period are read from the index alone.
  { collection: 'lines', key: { counted_at: 1, session_id: 1 }, name: 'sve_counted_at' },
  { collection: 'lines', key: { session_id: 1, counted_at: 1 }, name: 'sve_session_counted' },
  { collection: 'lines', key: { session_id: 1, updated_at: 1 }, name: 'sve_session_updated' },
  { collection: 'erpItems', key: { item_code: 1 }, name: 'sve_item_code' },
  {
    collection: 'preferences',
    key: { user_id: 1 },
    name: 'sve_user',
    unique: true,
    required: true,
    partialFilterExpression: { color_scheme: { $exists: true } },
  },
  { collection: 'locks', key: { item_code: 1 }, name: 'sve_item', unique: true, required: true },
  { collection: 'locks', key: { expires_at: 1 }, name: 'sve_expiry', expireAfterSeconds: 0 },
  { collection: 'locks', key: { session_id: 1 }, name: 'sve_session' },
  // By these two and the expiry the sweep finds locks of other programs (db/locks/foreign-locks.ts).
  { collection: 'locks', key: { locked_at: 1 }, name: 'sve_locked_at' },
  { collection: 'locks', key: { fence: 1 }, name: 'sve_fence' },
  {
    collection: 'lockHistory',
    key: { lock_id: 1 },
    name: 'sve_one_end',
    unique: true,
    // `ended: true` stands on exactly the closing entry of a lock (invariant L6).
    partialFilterExpression: { ended: true },
    required: true,
  },
  { collection: 'lockHistory', key: { item_code: 1, at: 1 }, name: 'sve_item_time' },
  // `open: true` stands on the latest living entry of a lock that has not ended: few rows, however long
  // the history is (db/locks/history-row.ts).
  {
    collection: 'lockHistory',
    key: { item_code: 1 },
    name: 'sve_open_item',
    partialFilterExpression: { open: true },
  },
  {
    collection: 'lockHistory',
    key: { expires_at: 1 },
    name: 'sve_open_expiry',
    partialFilterExpression: { open: true },
  },
  {
    collection: 'conflicts',
    key: { conflict_id: 1 },
    name: 'sve_conflict',
    unique: true,
    required: true,
    partialFilterExpression: { conflict_id: { $exists: true } },
  },
  { collection: 'conflicts', key: { session_id: 1, item_code: 1, location: 1, status: 1 }, name: 'sve_line' },
  { collection: 'conflicts', key: { status: 1, created_at: 1, conflict_id: 1 }, name: 'sve_status_time' },
  { collection: 'batches', key: { device_id: 1, state: 1, seq: 1 }, name: 'sve_device_queue' },
  { collection: 'batches', key: { state: 1, received_at: 1 }, name: 'sve_state_time' },
  {
    collection: 'batches',
    key: { applied_at: 1 },
    name: 'sve_inbox_retention',
    expireAfterSeconds: 30 * DAY_SECONDS,
  },
  {
    collection: 'deviceSessions',
    key: { at: 1 },
    name: 'sve_visit_retention',
    expireAfterSeconds: 400 * DAY_SECONDS,
  },
  { collection: 'outbox', key: { offset: 1, at: 1, n: 1, _id: 1 }, name: 'sve_order' },
  {
    collection: 'outbox',
    key: { sent_at: 1 },
    name: 'sve_outbox_retention',
    expireAfterSeconds: DAY_SECONDS,
  },
  {
    collection: 'analytics',
    key: { period_type: 1, period_start: 1 },
    name: 'sve_period',
    unique: true,
    required: true,
  },
  { collection: 'analytics', key: { period_start: -1 }, name: 'sve_start' },
  {
    collection: 'scheduleRuns',
    key: { schedule: 1, scheduled_for: 1 },
    name: 'sve_fire',
    unique: true,
    required: true,
  },
  { collection: 'dirtyPeriods', key: { timezone: 1, day: 1 }, name: 'sve_day' },
  { collection: 'scheduleRuns', key: { schedule: 1, state: 1, rung_at: 1 }, name: 'sve_run_state' },
  { collection: 'scheduleRuns', key: { expires_at: 1 }, name: 'sve_run_retention', expireAfterSeconds: 0 },
  { collection: 'backfillRuns', key: { started_at: -1 }, name: 'sve_started' },
  {
    collection: 'backfillRuns',
    key: { updated_at: 1 },
    name: 'sve_unfinished',
    partialFilterExpression: { state: 'running' },
  },
  { collection: 'deadLetters', key: { created_at: -1 }, name: 'sve_created' },
  { collection: 'deadLetterActions', key: { letter_id: 1, at: 1 }, name: 'sve_letter' },
];
