import type { IncomingMessage } from 'node:http';

/** What a client asks for when it connects (contract 6). */
export interface UpgradeRequest {
  path: string;
  /** From the header, the subprotocol or the query, in this order. */
  token: string | undefined;
  deviceId: string | null;
  lastEventId: string | undefined;
  origin: string | undefined;
}

/** The subprotocol that carries a token where headers cannot be set: `jwt, <token>`; `jwt` is echoed. */
export const TOKEN_SUBPROTOCOL = 'jwt';

const MAX_DEVICE_ID = 128;

/** Reads an upgrade request; it is never logged, because its query may hold the token (invariant E5). */
export function readUpgradeRequest(request: IncomingMessage): UpgradeRequest {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const query = new URLSearchParams(search);
  const deviceId = query.get('device_id');
  return {
    path,
    token:
      bearerToken(request.headers.authorization) ??
      subprotocolToken(request.headers['sec-websocket-protocol']) ??
      query.get('token') ??
      undefined,
    deviceId: deviceId && isPlainText(deviceId) ? deviceId.slice(0, MAX_DEVICE_ID) : null,
    lastEventId: query.get('last_event_id') ?? undefined,
    origin: request.headers.origin,
  };
}

function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token] = (header ?? '').split(' ');
  return scheme?.toLowerCase() === 'bearer' ? token : undefined;
}

function subprotocolToken(header: string | undefined): string | undefined {
  const [name, token] = (header ?? '').split(',').map((part) => part.trim());
  return name === TOKEN_SUBPROTOCOL ? token : undefined;
}

const isPlainText = (text: string): boolean => !/\p{Cc}/u.test(text);
