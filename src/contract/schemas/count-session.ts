import { z } from 'zod';

/** A count session as it is stored (seed "CountSession", contract 5). */
export const countSession = z.object({
  id: z.string(),
  session_id: z.string(),
  warehouse: z.string(),
  type: z.enum(['STANDARD', 'BLIND', 'STRICT']),
  status: z.enum(['OPEN', 'CLOSED']),
  started_at: z.date(),
  closed_at: z.date().nullable(),
  staff_user: z.string(),
  notes: z.string().nullable(),
  offline_created: z.boolean(),
  sync_status: z.enum(['synced', 'pending', 'conflict']),
  conflict_items: z.array(z.string()),
});

export type CountSession = z.infer<typeof countSession>;
