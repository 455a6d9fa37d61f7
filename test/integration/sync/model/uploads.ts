// What uploads do to the truth, from the tables of the rules; no code of src/ is used here.
import {
  type Count,
  type Dispute,
  judgeTime,
  type Op,
  placeOf,
  type Said,
  type Sender,
  type Truth,
} from './truth.ts';

export interface Row {
  id: number;
  op: Op;
}

const RETRY: Said = { verdict: 'retry', code: 'session_unknown' };
const APPLIED: Said = { verdict: 'applied' };

/** Applies one delivery; the verdicts in the rows' order (rules, "Identity" and "Order"). */
export function deliver(truth: Truth, rows: readonly Row[], from: Sender): Said[] {
  const held = new Set<string>();
  return rows.map(({ id, op }) => {
    const key = `${from.device}|${from.epoch}|${id}`;
    const first = truth.recorded.get(key);
    if (first) return again(truth, first, JSON.stringify(op));
    const said = holds(held, op) ? RETRY : judge(truth, op, from);
    if (said.verdict === 'retry') hold(held, op);
    else truth.recorded.set(key, { ...said, op: JSON.stringify(op) });
    return said;
  });
}

function again(truth: Truth, first: Said & { op: string }, op: string): Said {
  if (first.op !== op) return { verdict: 'rejected', code: 'operation_id_reused' };
  const { op: _op, ...said } = first;
  if (said.verdict === 'applied') return { verdict: 'duplicate' };
  const resolution = said.dispute === undefined ? undefined : truth.disputes[said.dispute]!.resolution;
  return resolution === undefined ? said : { verdict: 'duplicate', dispute: said.dispute!, resolution };
}

/** A retried count holds its line and the completion of its session, a retried session operation all of it. */
function hold(held: Set<string>, op: Op): void {
  if (op.kind === 'count') held.add(placeOf(op)).add(`complete ${op.session}`);
  else held.add(`all ${op.session}`);
}

function holds(held: ReadonlySet<string>, op: Op): boolean {
  if (op.kind === 'broken') return false;
  if (held.has(`all ${op.session}`)) return true;
  if (op.kind === 'count') return held.has(placeOf(op));
  return op.kind === 'complete' && held.has(`complete ${op.session}`);
}

/** Rules, "Sessions". */
function judge(truth: Truth, op: Op, from: Sender): Said {
  if (op.kind === 'broken') return { verdict: 'rejected', code: 'invalid_payload' };
  const session = truth.sessions.get(op.session);
  if (op.kind === 'start') {
    if (session) {
      const same =
        session.status === 'OPEN' && session.warehouse === op.warehouse && session.type === op.type;
      return same ? APPLIED : { verdict: 'rejected', code: 'session_mismatch' };
    }
    const { warehouse, type } = op;
    const startedAt = judgeTime(op.at, from).at;
    const status = 'OPEN' as const;
    truth.sessions.set(op.session, {
      session: op.session,
      warehouse,
      type,
      status,
      by: from.user,
      startedAt,
      closedAt: null,
    });
    return APPLIED;
  }
  if (!session) return RETRY;
  if (op.kind === 'count') return count(truth, op, from, session.status === 'CLOSED');
  if (session.status === 'OPEN') {
    session.status = 'CLOSED';
    session.closedAt = judgeTime(op.at, from).at;
  }
  return APPLIED;
}

/** Rules, "Counts". A device is here a device in one epoch, as in the table of versions. */
function count(truth: Truth, op: Count, from: Sender, closed: boolean): Said {
  const own = truth.pending(op).find((d) => d.place === op.place && isSender(d, from));
  if (own) {
    Object.assign(own, { base: op.base, qty: op.qty, by: from.user, ...judgeTime(op.at, from) });
    own.steps.push(`joined ${from.user}`);
    return { verdict: 'conflict', code: own.type, dispute: truth.disputes.indexOf(own) };
  }
  const line = truth.line(op);
  const equal = line?.qty === op.qty;
  if (closed) return equal ? APPLIED : dispute(truth, op, from, 'session_closed');
  const lock = truth.lockOf(op.item);
  if (lock?.session === op.session && !equal && !(lock.reason === 'manual' && lock.by === from.user)) {
    return dispute(truth, op, from, 'lock_conflict');
  }
  if (!line || isSender(line, from) || line.version === op.base) {
    const { session, item, place, qty } = op;
    const version = (truth.lines.get(placeOf(op))?.version ?? 0) + 1;
    const { device, epoch, user: by } = from;
    truth.write({
      session,
      item,
      place,
      qty,
      version,
      by,
      ...judgeTime(op.at, from),
      device,
      epoch,
      voided: false,
    });
    return APPLIED;
  }
  if (equal) return APPLIED;
  if (!lock) truth.take(op.item, op.session, from.user, 'offline_sync');
  return dispute(truth, op, from, 'update_conflict');
}

const isSender = (of: { device: string; epoch: string }, from: Sender): boolean =>
  of.device === from.device && of.epoch === from.epoch;

function dispute(truth: Truth, op: Count, from: Sender, type: string): Said {
  const { session, item, place, qty, base } = op;
  const { device, epoch, user: by } = from;
  const steps = [`opened ${by}`];
  const made: Dispute = {
    type,
    session,
    item,
    place,
    device,
    epoch,
    base,
    qty,
    by,
    ...judgeTime(op.at, from),
    steps,
    resolution: undefined,
  };
  const dispute = truth.disputes.push(made) - 1;
  return { verdict: 'conflict', code: type, dispute };
}
