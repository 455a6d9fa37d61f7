import type { RealTimeEvent } from '../contract/wire-types.ts';
import { formatPosition, type StreamPosition } from './stream-position.ts';

/** What the server says besides events (contract 6). */
export type ServerFrame =
  | { type: 'welcome'; position: string; heartbeat_seconds: number }
  | { type: 'resumed'; recovered: true; replayed: number }
  | { type: 'resumed'; recovered: false }
  | { type: 'heartbeat'; timestamp: string }
  | { type: 'authenticated'; expires_at: string }
  | { type: 'subscribed'; events: RealTimeEvent['type'][] }
  | { type: 'error'; error_code: FrameErrorCode };

/** `invalid_request`: the frame is wrong. `unauthorized`: its token is. `rate_limited`: too many, or too soon. */
export type FrameErrorCode = 'invalid_request' | 'unauthorized' | 'rate_limited';

export const HEARTBEAT_SECONDS = 25;

export const welcome = (position: StreamPosition): ServerFrame => ({
  type: 'welcome',
  position: formatPosition(position),
  heartbeat_seconds: HEARTBEAT_SECONDS,
});

export const frameError = (error_code: FrameErrorCode): ServerFrame => ({ type: 'error', error_code });
