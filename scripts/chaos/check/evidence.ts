// What the collections hold when everything is over, read with the driver alone: the stored names and shapes
// are the public contract's, and nothing here knows the engine's code.
import { hash } from 'node:crypto';
import { type Binary, type Db, MongoClient } from 'mongodb';
import type { ToldResult } from '../journal.ts';

export interface StoredBatch {
  _id: string;
  device_id: string;
  seq: number;
  state: string;
  received_at: Date;
  applied_at?: Date;
  results: ToldResult[];
}

export interface LedgerRow {
  key: string;
  verdict: string;
  code?: string;
  conflict_id?: string;
  at: Date;
}

export interface StoredLine {
  session_id: string;
  item_code: string;
  location: string;
  counted_qty: number;
  counted_by: string;
  version: number;
  device_id: string;
  queue_epoch: string;
}

export interface ConflictSide {
  counted_qty: number;
  counted_by: string;
  version: number;
}

export interface StoredConflict {
  conflict_id: string;
  session_id: string;
  item_code: string;
  location: string;
  device_id: string;
  queue_epoch: string;
  local_value: ConflictSide;
  status: 'pending' | 'resolved';
  resolution?: 'keep_local' | 'keep_server' | 'merge';
  resolved_by?: string;
  resolved_at?: Date;
  trail: {
    at: Date;
    by: string;
    step: 'opened' | 'joined' | 'claimed' | 'resolved';
    local_value: ConflictSide | null;
    server_value: ConflictSide | null;
    fence?: number;
  }[];
}

export interface StoredSession {
  session_id: string;
  status: 'OPEN' | 'CLOSED';
  sync_status: string;
  conflict_items: string[];
}

export interface HistoryRow {
  lock_id: string;
  item_code: string;
  session_id: string;
  fence: number;
  event: 'created' | 'renewed' | 'released' | 'expired' | 'resolved' | 'forced';
  at: Date;
  by: string;
  locked_by: string;
  reason: 'offline_sync' | 'conflict_resolution' | 'manual';
  locked_at: Date;
  expires_at: Date;
}

export interface OutboxEvent {
  at: Date;
  sent_at?: Date;
  epoch?: number;
  offset?: number;
  event: { type: string; payload: { data: Record<string, unknown> }; target_roles: string[] };
}

export interface Evidence {
  batches: Map<string, StoredBatch>;
  /** By the operation's identity, as stored. */
  ledger: Map<string, LedgerRow>;
  lines: StoredLine[];
  conflicts: StoredConflict[];
  sessions: StoredSession[];
  history: HistoryRow[];
  fences: Map<string, number>;
  locks: { lock_id: string; item_code: string; fence: number; expires_at: Date }[];
  outbox: OutboxEvent[];
  deadLetters: { _id: unknown; reason?: string }[];
  readAt: Date;
}

/** An operation's row in the ledger: the first 16 bytes of SHA-256 over device, epoch and id. */
export const ledgerKey = ({
  device_id,
  queue_epoch,
  id,
}: {
  device_id: string;
  queue_epoch: string;
  id: number;
}) => hash('sha256', `${device_id}\n${queue_epoch}\n${id}`, 'buffer').subarray(0, 16).toString('hex');

/** Reads everything once; nobody writes any more. */
export async function readEvidence(db: Db): Promise<Evidence> {
  const all = <T>(name: string, hidden: Record<string, 0> = {}): Promise<T[]> =>
    db.collection(name).find({}, { projection: hidden }).toArray() as Promise<unknown[]> as Promise<T[]>;
  const batches = await all<StoredBatch>('sync_batches', { items: 0, content: 0 });
  const ledger = await all<Omit<LedgerRow, 'key'> & { _id: Binary }>('sync_operations');
  const fences = await all<{ _id: string; fence: number }>('item_lock_fences');
  return {
    batches: new Map(batches.map((batch) => [batch._id, batch])),
    ledger: new Map(
      ledger.map(({ _id, ...row }) => {
        const key = Buffer.from(_id.buffer).toString('hex');
        return [key, { ...row, key }];
      }),
    ),
    lines: await all('count_lines'),
    conflicts: await all('sync_conflicts'),
    sessions: await all('count_sessions'),
    history: await all('item_lock_history'),
    fences: new Map(fences.map(({ _id, fence }) => [_id, fence])),
    locks: await all('item_locks'),
    outbox: await all('realtime_outbox'),
    deadLetters: await all('dead_letters'),
    readAt: new Date(),
  };
}

/** The driver at these servers, for as long as `work` runs. */
export async function withDatabase<T>(
  { mongoUrl, databaseName }: { mongoUrl: string; databaseName: string },
  work: (db: Db) => Promise<T>,
): Promise<T> {
  const client = new MongoClient(mongoUrl);
  try {
    return await work(client.db(databaseName));
  } finally {
    await client.close();
  }
}
