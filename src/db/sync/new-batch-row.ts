import type { SyncBatch } from './sync-batches.ts';

type BatchContent = Pick<
  SyncBatch,
  | '_id'
  | 'device_id'
  | 'queue_epoch'
  | 'user_id'
  | 'role'
  | 'content'
  | 'seq'
  | 'sent_at'
  | 'received_at'
  | 'items'
  | 'redrive_of'
>;

/** A row of the inbox that nobody has claimed yet, with every mark at its beginning. */
export const newBatchRow = (content: BatchContent): SyncBatch => ({
  ...content,
  state: 'received',
  results: [],
  next_item: 0,
  attempts: 0,
  suspect_starts: 0,
  contended_starts: 0,
  isolate_until: 0,
});
