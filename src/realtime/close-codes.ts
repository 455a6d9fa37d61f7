/**
 * Every code a connection is closed with, what it means and what the client does (contract 6). 1012 and
 * 4000-4499: connect again; everything else here: stop.
 */
export const CLOSE_CODES = {
  restart: { code: 1012, reason: 'restart', client: 'Reconnect with jitter and resume.' },
  slow: { code: 4001, reason: 'slow', client: 'Reconnect and resume.' },
  expired: { code: 4002, reason: 'token expired', client: 'Get a new token and reconnect.' },
  unauthorized: { code: 4501, reason: 'unauthorized', client: 'Stop: there was no token, or a bad one.' },
  forbidden: {
    code: 4503,
    reason: 'forbidden',
    client: 'Stop: the origin is not allowed, or the user was deactivated or has another role now.',
  },
  tooMany: { code: 4504, reason: 'too many connections', client: 'Stop.' },
  badFrames: { code: 1007, reason: 'bad frames', client: 'Stop: a frame was not JSON, or ten were wrong.' },
  tooLarge: { code: 1009, reason: 'frame too large', client: 'Stop: a frame was over 64 KiB.' },
} as const satisfies Record<string, { code: number; reason: string; client: string }>;

export type CloseReason = keyof typeof CLOSE_CODES;
