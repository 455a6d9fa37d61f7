// What the collections must hold, written from the rules alone: no code of src/ is used here.

export type Op =
  | { kind: 'start'; session: string; warehouse: string; type: string; at: number; made: number }
  | { kind: 'complete'; session: string; at: number; made: number }
  | {
      kind: 'count';
      session: string;
      item: string;
      place: string;
      qty: number;
      base: number;
      at: number;
      made: number;
    }
  | { kind: 'broken'; session: string; made: number };
export type Count = Extract<Op, { kind: 'count' }>;

export interface Sender {
  device: string;
  epoch: string;
  user: string;
  sentAt: number;
  receivedAt: number;
}

export interface Line {
  session: string;
  item: string;
  place: string;
  qty: number;
  version: number;
  by: string;
  at: number;
  adjusted: string | undefined;
  device: string;
  epoch: string;
  voided: boolean;
}

export interface Session {
  session: string;
  warehouse: string;
  type: string;
  status: 'OPEN' | 'CLOSED';
  by: string;
  startedAt: number;
  closedAt: number | null;
}

export interface Dispute {
  type: string;
  session: string;
  item: string;
  place: string;
  device: string;
  epoch: string;
  base: number;
  qty: number;
  by: string;
  at: number;
  adjusted: string | undefined;
  steps: string[];
  resolution: string | undefined;
}

export interface Lock {
  item: string;
  session: string;
  by: string;
  reason: string;
  fence: number;
  /** Its time is over, whether or not somebody recorded its end. */
  over: boolean;
  renewals: number;
  end: string | undefined;
}

export interface Said {
  verdict: string;
  code?: string;
  /** Index of the dispute. */
  dispute?: number;
  resolution?: string;
}

interface Recorded extends Said {
  op: string;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
export const MAX_AGE_DAYS = 4000;

/** Rules, "Times". */
export function judgeTime(at: number, from: Pick<Sender, 'sentAt' | 'receivedAt'>) {
  const off = from.receivedAt - from.sentAt;
  const skewed = Math.abs(off) > 10 * MINUTE;
  const moved = skewed ? at + off : at;
  if (moved > from.receivedAt) return { at: from.receivedAt, adjusted: 'future' };
  if (from.receivedAt - moved > MAX_AGE_DAYS * DAY) return { at: from.receivedAt, adjusted: 'past' };
  return { at: moved, adjusted: skewed ? 'skew' : undefined };
}

export const placeOf = (of: { session: string; item: string; place: string }): string =>
  [of.session, of.item, of.place].join('|');

export class Truth {
  sessions = new Map<string, Session>();
  lines = new Map<string, Line>();
  disputes: Dispute[] = [];
  locks: Lock[] = [];
  /** First verdicts by `device|epoch|id`. */
  recorded = new Map<string, Recorded>();
  /** One entry per write of a line: what the outbox must tell, once each. */
  writes: string[] = [];

  /** A second truth that goes its own way from here. */
  fork(): Truth {
    return Object.assign(new Truth(), structuredClone({ ...this }));
  }

  write(line: Line): void {
    this.lines.set(placeOf(line), line);
    this.writes.push(`${placeOf(line)} v${line.version}`);
  }

  /** The line as others see it: a voided one is none. */
  line(of: { session: string; item: string; place: string }): Line | undefined {
    const line = this.lines.get(placeOf(of));
    return line?.voided ? undefined : line;
  }

  lockOf(item: string): Lock | undefined {
    return this.locks.find((lock) => lock.item === item && !lock.end && !lock.over);
  }

  /** Takes a free item; its taker first records the end of the lock whose time was over. */
  take(item: string, session: string, by: string, reason: string): Lock {
    this.endOver(item);
    const fence = this.locks.filter((lock) => lock.item === item).length + 1;
    const lock = { item, session, by, reason, fence, over: false, renewals: 0, end: undefined };
    this.locks.push(lock);
    return lock;
  }

  /** Records the ends of locks whose time is over, of one item or of all. */
  endOver(item?: string): void {
    for (const lock of this.locks) {
      if (lock.over && !lock.end && (item === undefined || lock.item === item)) lock.end = 'expired';
    }
  }

  pending(of: { session: string; item: string }): Dispute[] {
    return this.disputes.filter((d) => !d.resolution && d.session === of.session && d.item === of.item);
  }
}
