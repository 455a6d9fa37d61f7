import { z } from 'zod';

const isJson = (value: string): boolean => {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
};

/** A row of the device's `sync_queue` table (seed "SyncQueue" with its validation rules). */
export const syncQueueRow = z.object({
  id: z.int().min(1),
  operation: z.string(),
  entity_type: z.string(),
  entity_id: z.string().nullable(),
  payload: z.string().refine(isJson, 'must be valid JSON'),
  created_at: z.int(),
  retry_count: z.int().min(0).default(0),
  max_retries: z.int().min(0).max(10).default(3),
  status: z.enum(['pending', 'syncing', 'synced', 'failed', 'conflict']).default('pending'),
  error_message: z.string().nullable(),
  synced_at: z.int().nullable(),
});

export type SyncQueueRow = z.infer<typeof syncQueueRow>;
