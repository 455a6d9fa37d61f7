import { type TokenClaims, TokenError } from '../runtime/verify-token.ts';
import { type ClientFrame, parseClientFrame } from './client-frames.ts';
import type { Connection } from './connection.ts';
import { createAllowance } from './frame-allowance.ts';
import type { RelayCounters } from './relay-stats.ts';
import { type FrameErrorCode, frameError } from './server-frames.ts';

/** The tenth bad frame within a minute ends the connection (contract 6). */
const BAD_FRAMES = { limit: 9, windowMs: 60_000 };
/** Frames above this are not looked at, only answered: they are not bad, a client just has nothing to say that often. */
const FRAMES = { limit: 100, windowMs: 1_000 };

export interface FrameServices {
  verifyToken(token: string): Promise<TokenClaims>;
  /** Answers a resume; it deals with its own failures. */
  resume(connection: Connection, lastEventId: string): void;
  counters: RelayCounters;
  now(): number;
}

/** A handler for the messages of one client: every frame is answered, a wrong one with an error. */
export function frameHandler(
  connection: Connection,
  services: FrameServices,
): (text: string, isBinary: boolean) => void {
  const { verifyToken, resume, counters, now } = services;
  const allFrames = createAllowance(FRAMES.limit, FRAMES.windowMs);
  const badFrames = createAllowance(BAD_FRAMES.limit, BAD_FRAMES.windowMs);

  function refuse(code: FrameErrorCode): void {
    counters.badFrames += 1;
    if (badFrames.spend(now())) connection.send(frameError(code));
    else connection.close('badFrames');
  }

  async function renew(token: string): Promise<void> {
    let claims: TokenClaims;
    try {
      claims = await verifyToken(token);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return refuse('unauthorized');
    }
    if (claims.user_id !== connection.userId) return refuse('unauthorized');
    if (claims.role !== connection.role) return connection.close('forbidden');
    if (connection.expiresAtMs <= now()) return connection.close('expired');
    connection.renew(claims);
    connection.send({
      type: 'authenticated',
      expires_at: new Date(connection.expiresAtMs).toISOString(),
    });
  }

  function handle(frame: ClientFrame): void {
    switch (frame.type) {
      case 'heartbeat':
        connection.send({ type: 'heartbeat', timestamp: new Date(now()).toISOString() });
        return;
      case 'subscribe':
        connection.send({ type: 'subscribed', events: connection.narrow(frame.events) });
        return;
      case 'auth':
        renew(frame.token).catch(() => connection.close('unauthorized'));
        return;
      case 'resume':
        // One replay at a time: the one under way goes up to now anyway.
        if (connection.paused) connection.send(frameError('rate_limited'));
        else resume(connection, frame.last_event_id);
        return;
    }
  }

  return (text, isBinary) => {
    connection.heard();
    if (connection.closed) return;
    if (!allFrames.spend(now())) {
      connection.send(frameError('rate_limited'));
      return;
    }
    const parsed = parseClientFrame(text, isBinary);
    if (parsed.kind === 'not_json') {
      counters.badFrames += 1;
      connection.close('badFrames');
    } else if (parsed.kind === 'invalid') refuse('invalid_request');
    else handle(parsed.frame);
  };
}
