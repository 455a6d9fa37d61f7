import type { Role } from '../contract/wire-types.ts';
import type { CloseReason } from './close-codes.ts';

/** Counters since the start of the process. */
export interface RelayCounters {
  accepted: number;
  /** Events written to sockets, live and replayed. */
  sent: number;
  resumed: number;
  unrecovered: number;
  replayed: number;
  /** Ended because nothing was heard of them. */
  silent: number;
  badFrames: number;
  closed: Record<CloseReason, number>;
}

export interface RelayStats extends RelayCounters {
  connections: Record<Role, number>;
}

export const createCounters = (): RelayCounters => ({
  accepted: 0,
  sent: 0,
  resumed: 0,
  unrecovered: 0,
  replayed: 0,
  silent: 0,
  badFrames: 0,
  closed: {
    restart: 0,
    slow: 0,
    expired: 0,
    unauthorized: 0,
    forbidden: 0,
    tooMany: 0,
    badFrames: 0,
    tooLarge: 0,
  },
});
