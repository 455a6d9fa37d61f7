import { z } from 'zod';

export const role = z.enum(['admin', 'supervisor', 'staff']);

export const eventType = z.enum([
  'session_update',
  'item_update',
  'count_complete',
  'user_activity',
  'system_alert',
]);

/** The message that supervisors' sockets receive (seed "RealTimeEvent", contract 6). */
export const realTimeEvent = z.object({
  type: eventType,
  payload: z.object({
    entity_id: z.string(),
    entity_type: z.enum(['session', 'item', 'user', 'system']),
    action: z.enum(['create', 'update', 'delete', 'complete']),
    data: z.record(z.string(), z.unknown()),
    actor: z.object({
      user_id: z.string(),
      username: z.string(),
      role: z.enum([...role.options, 'system']),
    }),
  }),
  timestamp: z.iso.datetime(),
  target_roles: z.array(role),
});
