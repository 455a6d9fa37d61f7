import type { Collection } from 'mongodb';
import type { Database } from '../database.ts';
import type { SyncOperation } from './sync-operations.ts';

/** What a collection takes, as the server accounts for it: compressed, with room that it keeps for reuse. */
export interface StoredSize {
  rows: number;
  data_bytes: number;
  index_bytes: number;
}

export interface LedgerStats {
  ledger: StoredSize;
  archive: StoredSize;
  /** When the oldest row of the ledger was recorded; absent when there is none. */
  oldest_at?: Date;
}

/** The size of the ledger and of its archive (invariant E4). Reads the whole ledger for its oldest row. */
export async function readLedgerStats(database: Database): Promise<LedgerStats> {
  const { operations, archivedOperations } = database;
  const [oldest] = await operations
    .aggregate<{ at: Date }>([{ $group: { _id: null, at: { $min: '$at' } } }])
    .toArray();
  return {
    ledger: await sizeOf(operations),
    archive: await sizeOf(archivedOperations),
    ...(oldest ? { oldest_at: oldest.at } : {}),
  };
}

interface CollStats {
  storageStats: { storageSize: number; totalIndexSize: number };
}

async function sizeOf(collection: Collection<SyncOperation>): Promise<StoredSize> {
  const [stats] = await collection.aggregate<CollStats>([{ $collStats: { storageStats: {} } }]).toArray();
  return {
    // Counted, because the server's own figure is an estimate after a crash.
    rows: await collection.countDocuments({}, { maxTimeMS: 0 }),
    data_bytes: stats?.storageStats.storageSize ?? 0,
    index_bytes: stats?.storageStats.totalIndexSize ?? 0,
  };
}
