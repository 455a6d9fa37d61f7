import { z } from 'zod';
import { text, time } from './fields.ts';

export const MAX_BATCH_ITEMS = 500;

/** What must be right in each item for the batch to be taken at all; the rest is judged per operation. */
const uploadItem = z.object({
  id: z.int().min(1),
  operation: z.unknown().optional(),
  entity_type: z.unknown().optional(),
  entity_id: z.unknown().optional(),
  payload: z.unknown().optional(),
  created_at: z.unknown().optional(),
});

/** The envelope of an upload (contract 4). */
export const uploadBatch = z.object({
  batch_id: z.uuid().transform((id) => id.toLowerCase()),
  device_id: text(1, 128),
  queue_epoch: text(1, 64),
  sent_at: time,
  schema_version: z.int().min(1).default(1),
  queue_remaining: z.int().min(0).optional(),
  items: z.array(uploadItem).min(1),
});

export type UploadEnvelope = z.infer<typeof uploadBatch>;
export type UploadEnvelopeItem = UploadEnvelope['items'][number];
