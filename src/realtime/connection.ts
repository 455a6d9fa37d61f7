import type { WebSocket } from 'ws';
import type { WebSocketConnection } from '../contract/schemas/web-socket-connection.ts';
import type { RealTimeEvent } from '../contract/wire-types.ts';
import { visibleTo } from '../domain/events/visible-to.ts';
import type { TokenClaims } from '../runtime/verify-token.ts';
import { CLOSE_CODES, type CloseReason } from './close-codes.ts';
import type { RelayCounters } from './relay-stats.ts';
import { createSendBudget } from './send-budget.ts';
import type { ServerFrame } from './server-frames.ts';
import type { StreamEvent } from './stream-entry.ts';
import { comparePositions, type StreamPosition } from './stream-position.ts';

/** A peer that does not finish the closing handshake is cut off after so long. */
const CLOSE_GRACE_MS = 10_000;
const TEXT = { binary: false } as const;

export interface ConnectionOptions {
  socket: WebSocket;
  claims: TokenClaims;
  deviceId: string | null;
  /** Events after this place are the live ones. */
  from: StreamPosition;
  budgetBytes: number;
  counters: RelayCounters;
  now: () => number;
}

export type Connection = ReturnType<typeof createConnection>;

/**
 * One client's socket with all that is known about it. Everything that is sent goes through its budget;
 * a client that reads too slowly is closed, and nobody waits for it (invariant R3).
 */
export function createConnection(options: ConnectionOptions) {
  const { socket, deviceId, budgetBytes, counters, now } = options;
  const budget = createSendBudget(budgetBytes);
  const connectedAt = now();
  let claims = options.claims;
  let heardAt = connectedAt;
  let pingedAt = connectedAt;
  let at = options.from;
  let live = true;
  let subscribed: ReadonlySet<RealTimeEvent['type']> | undefined;
  let closed = false;
  let onDrained: (() => void) | undefined;

  function write(frame: string | Buffer): void {
    if (closed) return;
    const bytes = Buffer.byteLength(frame);
    if (budget.wouldExceed(bytes) || socket.bufferedAmount + bytes > budgetBytes) {
      close('slow');
      return;
    }
    budget.add(bytes);
    socket.send(frame, TEXT, () => {
      budget.written(bytes);
      if (onDrained && budget.queued <= budgetBytes / 4) onDrained();
    });
  }

  function close(reason: CloseReason): void {
    if (closed) return;
    closed = true;
    onDrained?.();
    counters.closed[reason] += 1;
    socket.close(CLOSE_CODES[reason].code, CLOSE_CODES[reason].reason);
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  /** Sends an event when this client may and wants to see it; answers whether it did. */
  function offer(event: StreamEvent): boolean {
    at = event.position;
    if (!visibleTo(claims.role, event) || subscribed?.has(event.type) === false) return false;
    write(event.frame);
    counters.sent += 1;
    return true;
  }

  return {
    get userId() {
      return claims.user_id;
    },
    get role() {
      return claims.role;
    },
    get closed() {
      return closed;
    },
    /** When the token ends, in ms. */
    get expiresAtMs() {
      return claims.expires_at * 1000;
    },
    get heardAtMs() {
      return heardAt;
    },
    get pingedAtMs() {
      return pingedAt;
    },
    get paused() {
      return !live;
    },
    send: (frame: ServerFrame): void => write(JSON.stringify(frame)),
    close,
    offer,
    /** A live event: passed over during a replay, which will meet it in the stream, and when it was replayed. */
    offerLive(event: StreamEvent): void {
      if (live && comparePositions(event.position, at) > 0) offer(event);
    },
    /** Nothing live from now on: a replay begins, or the connection is about to be closed. */
    pause(): void {
      live = false;
    },
    /** Live again, behind everything up to `position`. */
    goLive(position: StreamPosition): void {
      at = position;
      live = true;
    },
    /** Only the events named here from now on; never more than before. Answers what is left. */
    narrow(events: readonly RealTimeEvent['type'][]): RealTimeEvent['type'][] {
      subscribed = new Set(events.filter((event) => subscribed?.has(event) ?? true));
      return [...subscribed];
    },
    renew(next: TokenClaims): void {
      claims = next;
    },
    heard(): void {
      heardAt = now();
    },
    ping(): void {
      pingedAt = now();
      if (!closed) socket.ping();
    },
    /** Resolves when a quarter of the budget or less is queued, or the connection ended. */
    async drained(): Promise<void> {
      if (closed || budget.queued <= budgetBytes / 2) return;
      await new Promise<void>((resolve) => {
        onDrained = resolve;
      });
      onDrained = undefined;
    },
    /** The socket is gone, whoever ended it. */
    ended(): void {
      closed = true;
      onDrained?.();
    },
    terminate: (): void => socket.terminate(),
    describe: (): WebSocketConnection => ({
      user_id: claims.user_id,
      role: claims.role,
      connected_at: new Date(connectedAt),
      last_ping: new Date(heardAt),
      device_id: deviceId,
    }),
  };
}
