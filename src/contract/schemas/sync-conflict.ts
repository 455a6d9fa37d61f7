import { z } from 'zod';

export const conflictType = z.enum(['update_conflict', 'lock_conflict', 'session_closed']);
export const resolution = z.enum(['keep_local', 'keep_server', 'merge']);

/** One side of a conflict (contract 4). */
export const conflictValue = z.object({
  counted_qty: z.number(),
  variance_reason: z.string().nullable(),
  note: z.string().nullable(),
  erp_qty: z.number().nullable(),
  counted_by: z.string(),
  counted_at: z.date(),
  version: z.int(),
});

export type ConflictValue = z.infer<typeof conflictValue>;

export const trailEntry = z.object({
  at: z.date(),
  by: z.string(),
  step: z.enum(['opened', 'joined', 'claimed', 'resolved']),
  local_value: conflictValue.nullable(),
  server_value: conflictValue.nullable(),
  fence: z.int().optional(),
  resolution: resolution.optional(),
});

export type TrailEntry = z.infer<typeof trailEntry>;

/** Two counts of one line that a person must choose between; `local` is what the device counted. */
export const syncConflict = z.object({
  conflict_id: z.uuid(),
  conflict_type: conflictType,
  session_id: z.string(),
  item_code: z.string(),
  location: z.string(),
  device_id: z.string(),
  queue_epoch: z.string(),
  base_version: z.int(),
  local_value: conflictValue,
  /** What the device sent beside the value: it becomes part of the line when the local count is kept. */
  local_details: z.object({
    erp_qty: z.number().nullable(),
    erp_qty_source: z.enum(['device', 'erp_items', 'none']),
    unit_value: z.number().nullable(),
    category: z.string().nullable(),
    counted_at_device: z.date().optional(),
    time_adjusted: z.enum(['skew', 'future', 'past']).optional(),
  }),
  status: z.enum(['pending', 'resolved']),
  created_at: z.date(),
  resolution: resolution.optional(),
  resolved_by: z.string().optional(),
  resolved_at: z.date().optional(),
  trail: z.array(trailEntry),
  /** Grows when another conflict of the item opens or ends: see db/conflicts/touch-peers.ts. */
  peer_changes: z.int().optional(),
});

export type SyncConflict = z.infer<typeof syncConflict>;
