import { z } from 'zod';
import { role } from './real-time-event.ts';

/** One live connection, in memory only (seed "WebSocketConnection"). */
export const webSocketConnection = z.object({
  user_id: z.string(),
  role,
  connected_at: z.date(),
  last_ping: z.date(),
  device_id: z.string().nullable(),
});

export type WebSocketConnection = z.infer<typeof webSocketConnection>;
