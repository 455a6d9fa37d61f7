import { Binary, type ClientSession } from 'mongodb';
import type { OperationResult } from '../../contract/wire-types.ts';
import type { ChunkPlan, LedgerEntry } from '../../domain/sync/chunk.ts';
import { operationKey } from '../../domain/sync/identity.ts';
import type { Database } from '../database.ts';

/**
 * The ledger: one row per operation that got its verdict, for ever. `_id` is the first 16 bytes of
 * SHA-256 over device, epoch and id; `content` the same over the canonical content.
 */
export interface SyncOperation {
  _id: Binary;
  content: Binary;
  verdict: 'applied' | 'conflict' | 'rejected';
  code?: NonNullable<OperationResult['code']>;
  message?: string;
  conflict_id?: string;
  at: Date;
}

interface Source {
  device_id: string;
  queue_epoch: string;
}

/**
 * The recorded verdicts of these operations, by their key in base64. The archive is read as well: the
 * transaction's snapshot holds each row in exactly one of the two (ledger-archive.ts), so none is missed while
 * it moves. Two commands, because MongoDB refuses `$unionWith` in a transaction.
 */
export async function loadLedger(
  database: Database,
  session: ClientSession,
  source: Source,
  ids: readonly number[],
): Promise<Map<string, LedgerEntry>> {
  const keys = ids.map((id) => new Binary(operationKey(source.device_id, source.queue_epoch, id)));
  const wanted = { _id: { $in: keys } };
  const kept = await database.operations.find(wanted, { session }).toArray();
  const archived =
    kept.length === keys.length ? [] : await database.archivedOperations.find(wanted, { session }).toArray();
  return new Map(
    [...kept, ...archived].map(({ _id, content, at: _at, ...entry }) => [
      Buffer.from(_id.buffer).toString('base64'),
      { ...entry, content: Buffer.from(content.buffer) },
    ]),
  );
}

/** Records first verdicts. A duplicate key aborts the caller's transaction, as it must. */
export async function recordVerdicts(
  database: Database,
  session: ClientSession,
  source: Source,
  ledger: ChunkPlan['ledger'],
  at: Date,
): Promise<void> {
  if (ledger.length === 0) return;
  await database.operations.insertMany(
    ledger.map(({ id, content, ...entry }) => ({
      _id: new Binary(operationKey(source.device_id, source.queue_epoch, id)),
      content: new Binary(content),
      ...entry,
      at,
    })),
    { session },
  );
}
