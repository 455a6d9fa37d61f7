// Batches that wait in the inbox as if devices had uploaded them, without the time and the limits of HTTP.
import { randomUUID } from 'node:crypto';
import type { Database } from '../../src/db/database.ts';
import { storeBatch } from '../../src/db/sync/sync-batches.ts';
import { batchContentHash, contentHash } from '../../src/domain/sync/identity.ts';
import { readOperation } from '../../src/domain/sync/read-operation.ts';

export type SentItem = Parameters<typeof readOperation>[0];

const NOW = Date.now();

/** A session as a device sends it. */
export const startOf = (id: number, session_id: string): SentItem => ({
  id,
  operation: 'session_start',
  entity_type: 'session',
  payload: { session_id, warehouse: 'North', started_at: NOW },
  created_at: NOW,
});

/** The count of an item that nobody else counts. */
export const countOf = (id: number, session_id: string, item_code: string): SentItem => ({
  id,
  operation: 'count_update',
  entity_type: 'count_line',
  payload: {
    session_id,
    item_code,
    counted_qty: id,
    counted_at: NOW,
    erp_qty: 1,
    unit_value: 2,
    category: 'c',
  },
  created_at: NOW,
});

/** An upload of these items, as HTTP takes it. */
export const uploadOf = (device_id: string, items: readonly SentItem[]) => ({
  batch_id: randomUUID(),
  device_id,
  queue_epoch: 'e1',
  sent_at: Date.now(),
  items,
});

/** Stores one batch; nobody is rung for. */
export async function storeWaiting(
  database: Database,
  device_id: string,
  sent: readonly SentItem[],
): Promise<void> {
  const items = sent.map((item) => {
    const { content, ...read } = readOperation(item);
    return { ...read, content: contentHash(content) };
  });
  await storeBatch(database, {
    batch_id: randomUUID(),
    device_id,
    queue_epoch: 'e1',
    user_id: device_id,
    role: 'staff',
    content: batchContentHash(device_id, 'e1', items),
    sent_at: new Date(),
    queue_remaining: 0,
    items,
  });
}
