import type { OperationResult } from '../contract/wire-types.ts';
import { type ClaimedBatch, claimBatch } from './claim-batch.ts';
import { conflictQuestions } from './conflict-questions.ts';
import { resolveRow, retryRow, setAsideRow } from './decide-by-person.ts';
import { DeviceQueueError } from './device-queue-error.ts';
import { enqueueOperation, type Operation } from './enqueue-operation.ts';
import { moveRows } from './move-rows.ts';
import { inTransaction, inTurn } from './one-writer.ts';
import { listRows, type QueueRow, type QueueStats, readStats } from './read-rows.ts';
import { forgetUpload } from './recorded-uploads.ts';
import type { RowStatus } from './row-transitions.ts';
import { prepareDatabase } from './schema.ts';
import { type SettleSummary, settleResults } from './settle-results.ts';
import type { SqliteDatabase } from './sqlite-port.ts';

const MOST_ROWS_IN_A_BATCH = 500;

export interface SyncQueueOptions {
  /** Names the device when the database is new; later openings keep the first name. Default: a random one. */
  deviceId?: string | undefined;
  /** Keeps synced rows as `synced` instead of deleting them. Default false. */
  keepSynced?: boolean | undefined;
  /** The device's clock in Unix milliseconds. Default `Date.now`. */
  now?: (() => number) | undefined;
  /** 0..1, spreads waits. Default `Math.random`. */
  random?: (() => number) | undefined;
}

export interface SyncQueue {
  /** Stores one operation of `user`; resolves to its row id once it is on disk, for good. */
  enqueue(operation: Operation, user: string): Promise<number>;
  /** Takes up to `limit` (1..500) rows of `user` for one upload, or null when none can go now. */
  claimBatch(request: { user: string; limit: number }): Promise<ClaimedBatch | null>;
  /** Writes the server's verdicts to their rows, all of them or none. */
  settle(results: readonly OperationResult[]): Promise<SettleSummary>;
  /**
   * Hands a batch back without verdicts; no retry is counted. The next claim sends it again under the same
   * batch id, because the server may have it; with `forget` its rows go out in new batches.
   */
  release(batch: ClaimedBatch, options?: { forget?: boolean }): Promise<void>;
  /** `user`: who is signed in, for `other_users`. Default: the one that claimed last, else enqueued last. */
  stats(options?: { user?: string }): Promise<QueueStats>;
  /** Rows in id order, of one status or of all. */
  list(options?: { status?: RowStatus }): Promise<QueueRow[]>;
  /** A person sends a failed row again, with all its retries. */
  retry(id: number): Promise<void>;
  /** A person ends a conflict that was settled elsewhere. */
  resolve(id: number): Promise<void>;
  /** Sets a claimed row aside that the server cannot take. */
  setAside(id: number, reason: string): Promise<void>;
  /** The user's rows in conflict, as uploads that ask how they stand; settle what comes back. */
  conflictQuestions(request: { user: string; limit: number }): Promise<ClaimedBatch[]>;
  /** Waits for what is under way and refuses everything after it. The database handle stays the caller's. */
  close(): Promise<void>;
}

/**
 * Opens the queue in `db`, making its tables when they are missing. One queue per database file: opening
 * takes rows that are `syncing` for left behind by a crash.
 */
export async function openSyncQueue(db: SqliteDatabase, options: SyncQueueOptions = {}): Promise<SyncQueue> {
  const { deviceId, keepSynced = false, now = Date.now, random = Math.random } = options;
  await prepareDatabase(db, deviceId);
  let closed = false;
  let lastUser: string | null = null;

  function assertOpen(): void {
    if (closed) throw new DeviceQueueError('queue_closed', 'The queue was closed; open it again.');
  }
  function write<T>(task: () => Promise<T>): Promise<T> {
    return inTransaction(db, task);
  }

  return {
    async enqueue(operation, user) {
      assertOpen();
      return enqueueOperation(db, operation, { user, nowMs: now() });
    },
    async claimBatch({ user, limit }) {
      assertOpen();
      assertClaim(user, limit);
      lastUser = user;
      return write(() => claimBatch(db, { user, limit, nowMs: now() }));
    },
    async settle(results) {
      assertOpen();
      return write(() => settleResults(db, results, { nowMs: now(), random: random(), keepSynced }));
    },
    async release(batch, { forget = false } = {}) {
      assertOpen();
      return write(async () => {
        await moveRows(
          db,
          'released',
          batch.items.map((item) => item.id),
        );
        if (forget) await forgetUpload(db, batch.batch_id);
      });
    },
    async stats({ user } = {}) {
      assertOpen();
      return inTurn(db, () => readStats(db, user ?? lastUser));
    },
    async list({ status } = {}) {
      assertOpen();
      return inTurn(db, () => listRows(db, status));
    },
    async retry(id) {
      assertOpen();
      return write(() => retryRow(db, id));
    },
    async resolve(id) {
      assertOpen();
      return write(() => resolveRow(db, id, { nowMs: now(), keepSynced }));
    },
    async setAside(id, reason) {
      assertOpen();
      return write(() => setAsideRow(db, id, reason));
    },
    async conflictQuestions({ user, limit }) {
      assertOpen();
      assertClaim(user, limit);
      return inTurn(db, () => conflictQuestions(db, { user, limit }));
    },
    async close() {
      closed = true;
      await inTurn(db, async () => undefined);
    },
  };
}

function assertClaim(user: unknown, limit: unknown): void {
  if (typeof user !== 'string' || user.trim() === '') {
    throw new DeviceQueueError('invalid_claim', 'Nothing was claimed: name the user whose token is used.');
  }
  if (!Number.isInteger(limit) || (limit as number) < 1 || (limit as number) > MOST_ROWS_IN_A_BATCH) {
    throw new DeviceQueueError(
      'invalid_claim',
      `Nothing was claimed: limit must be a whole number of 1..${MOST_ROWS_IN_A_BATCH}, got ${String(limit)}.`,
    );
  }
}
