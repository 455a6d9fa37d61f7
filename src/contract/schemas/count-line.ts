import { z } from 'zod';

/** A counted line as it is stored (contract 5): one per session, item and location. */
export const countLine = z.object({
  id: z.uuid(),
  session_id: z.string(),
  item_code: z.string(),
  location: z.string(),
  counted_qty: z.number(),
  erp_qty: z.number().nullable(),
  erp_qty_source: z.enum(['device', 'erp_items', 'none']),
  /** counted − book of this line alone; a diagnostic that no total uses. */
  variance: z.number().nullable(),
  variance_reason: z.string().nullable(),
  category: z.string().nullable(),
  unit_value: z.number().nullable(),
  variance_value: z.number().nullable(),
  note: z.string().nullable(),
  counted_by: z.string(),
  counted_at: z.date(),
  counted_at_device: z.date().optional(),
  time_adjusted: z.enum(['skew', 'future', 'past']).optional(),
  version: z.int().min(1),
  updated_at: z.date(),
  device_id: z.string(),
  queue_epoch: z.string(),
  voided_at: z.date().optional(),
  voided_by: z.string().optional(),
  void_reason: z.string().optional(),
});

export type CountLine = z.infer<typeof countLine>;
