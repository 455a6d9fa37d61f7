// What a device counts next: sessions of a team, items of its own and items that the whole team counts.
import type { OperationName, SentOperation } from '../journal.ts';
import type { Random } from '../random.ts';

/** Of a team's device: who it is and whom it shares sessions with. */
export interface Phone {
  device_id: string;
  user: string;
  team: number;
  /** Only the leader starts and completes sessions as a rule. */
  isLeader: boolean;
}

/** Counts of one device in one session; then it goes on to the next. */
const COUNTS_PER_SESSION = 220;
const SHARED_ITEMS = 60;
const OWN_ITEMS = 120;

export interface OperationSource {
  /** The next operation; now and then one that starts or completes a session. */
  next(): SentOperation;
  /** Starts a session that the engine does not know. */
  startOf(sessionId: string): SentOperation;
  /** The same id with other content. */
  otherContent(used: SentOperation): SentOperation;
  /** What the engine told of a line. */
  learn(operation: SentOperation, version: number): void;
  /** As after a new installation: ids begin again under another epoch, and nothing is known. */
  reinstall(): void;
}

export function operationSource(phone: Phone, random: Random): OperationSource {
  const known = new Map<string, number>();
  const due: { operation: OperationName; session: string }[] = [];
  let epoch = 1;
  let lastId = 0;
  let counts = 0;
  let session = '';
  let lastAt = 0;

  const make = (
    operation: OperationName,
    session_id: string,
    payload: Record<string, unknown>,
    more: Partial<SentOperation> = {},
  ): SentOperation => {
    lastId += 1;
    const queue_epoch = `e${epoch}`;
    const key = `${phone.device_id}/${queue_epoch}/${lastId}`;
    return {
      key,
      device_id: phone.device_id,
      queue_epoch,
      id: lastId,
      user: phone.user,
      operation,
      session_id,
      payload,
      created_at: Date.now(),
      ...more,
    };
  };
  const startOf = (session_id: string): SentOperation =>
    make('session_start', session_id, {
      session_id,
      warehouse: `W-${phone.team}`,
      type: phone.team === 1 ? 'BLIND' : 'STANDARD',
      started_at: Date.now(),
    });
  const complete = (session_id: string): SentOperation =>
    make('session_complete', session_id, { session_id, completed_at: Date.now() });

  const count = (): SentOperation => {
    const shared = random.chance(0.12);
    const item_code = shared
      ? `SHARED-${phone.team}-${random.between(1, SHARED_ITEMS)}`
      : `${phone.device_id}-${random.between(1, OWN_ITEMS)}`;
    const location = random.chance(0.1) ? 'B' : '';
    const counted_qty = shared ? random.between(0, 3) : random.between(0, 2_000) / 4;
    const version = known.get(`${session}\n${item_code}\n${location}`) ?? 0;
    const base_version = random.chance(0.04) ? Math.max(0, version - 1) : version;
    // Never twice the same, and always past: the writer of a line is told by who and when.
    lastAt = Math.max(lastAt + 1, Date.now() - 5_000);
    const broken = random.chance(0.004);
    return make(
      'count_update',
      session,
      {
        session_id: session,
        item_code,
        location,
        counted_qty: broken ? -1 : counted_qty,
        counted_at: lastAt,
        base_version,
        ...(random.chance(0.3) ? { note: `shelf ${random.between(1, 40)}` } : {}),
      },
      {
        count: { item_code, location, counted_qty, base_version, at: lastAt },
        ...(broken ? { broken } : {}),
      },
    );
  };

  return {
    next: () => {
      const waiting = due.shift();
      if (waiting)
        return waiting.operation === 'session_start' ? startOf(waiting.session) : complete(waiting.session);
      const current = `T${phone.team}-S${Math.floor(counts / COUNTS_PER_SESSION)}`;
      if (current !== session) {
        if (session !== '' && phone.isLeader && random.chance(0.7))
          due.push({ operation: 'session_complete', session });
        session = current;
        if (phone.isLeader || random.chance(0.4)) return startOf(session);
      }
      counts += 1;
      return count();
    },
    startOf,
    otherContent: (used) => ({
      ...used,
      key: `${used.key}'`,
      payload: { ...used.payload, note: 'another count under a used id' },
      reused: true,
    }),
    learn: ({ session_id, count: counted }, version) => {
      if (counted) known.set(`${session_id}\n${counted.item_code}\n${counted.location}`, version);
    },
    reinstall: () => {
      epoch += 1;
      lastId = 0;
      known.clear();
    },
  };
}
