import { z } from 'zod';
import { eventType } from '../contract/schemas/real-time-event.ts';

/** What a client may send (contract 6). Unknown fields are dropped. */
const clientFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resume'), last_event_id: z.string().max(64) }),
  z.object({ type: z.literal('heartbeat') }),
  z.object({ type: z.literal('subscribe'), events: z.array(eventType).max(32) }),
  z.object({ type: z.literal('auth'), token: z.string().min(1).max(4096) }),
]);

export type ClientFrame = z.infer<typeof clientFrame>;

/** A frame that is not JSON ends the connection; one of a wrong shape is answered and counted. */
export type ParsedFrame = { kind: 'frame'; frame: ClientFrame } | { kind: 'not_json' } | { kind: 'invalid' };

/** Reads one message of a client. Binary messages are not JSON. */
export function parseClientFrame(text: string, isBinary: boolean): ParsedFrame {
  if (isBinary) return { kind: 'not_json' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'not_json' };
  }
  const parsed = clientFrame.safeParse(value);
  return parsed.success ? { kind: 'frame', frame: parsed.data } : { kind: 'invalid' };
}
