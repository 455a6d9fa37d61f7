import { z } from 'zod';
import { countedQuantity, note, quantity, text, time } from './fields.ts';

const id = text(1, 100);
const optionalLabel = text(0, 100).optional();

/** Payloads of the three operations (contract 4). Unknown fields are dropped. */
export const sessionStartPayload = z.object({
  session_id: id,
  warehouse: id,
  started_at: time,
  type: z.enum(['STANDARD', 'BLIND', 'STRICT']).default('STANDARD'),
  notes: note.optional(),
});

export const countUpdatePayload = z.object({
  session_id: id,
  item_code: id,
  counted_qty: countedQuantity,
  counted_at: time,
  location: text(0, 100).default(''),
  base_version: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  erp_qty: quantity.optional(),
  unit_value: quantity.optional(),
  category: optionalLabel,
  variance_reason: optionalLabel,
  note: note.optional(),
});

export const sessionCompletePayload = z.object({
  session_id: id,
  completed_at: time,
  notes: note.optional(),
});
