// S8: a conflict keeps both values, is decided once, and the session says what is pending. Nobody's count is
// overwritten by a device that did not know it.
import type { Violation } from '../letters.ts';
import { type Case, lineKey } from './deliveries.ts';
import { ledgerKey, type StoredConflict } from './evidence.ts';
import { writersByLine } from './line-writers.ts';

/** A trail keeps this many steps (docs/02-sync.md); longer ones lost their middle on purpose. */
const MAX_STEPS = 100;

export function checkConflicts(given: Case): Violation[] {
  return [
    ...keptComplaints(given),
    ...onceComplaints(given),
    ...sessionComplaints(given),
    ...blindWrites(given),
  ].map((what) => ({ letter: 'S8', what }));
}

function keptComplaints(given: Case): string[] {
  const { stories, evidence } = given;
  const complaints: string[] = [];
  const byId = new Map(evidence.conflicts.map((conflict) => [conflict.conflict_id, conflict]));
  const told = Map.groupBy(
    [...stories.values()].filter(({ lasting }) => lasting[0]?.result.verdict === 'conflict'),
    ({ lasting }) => lasting[0]!.result.conflict_id!,
  );
  for (const [id, counts] of told) {
    const conflict = byId.get(id);
    if (!conflict) {
      complaints.push(`${id} was told and is not stored`);
      continue;
    }
    const order = counts.toSorted((a, b) => byReceipt(a.lasting[0]!, b.lasting[0]!));
    const wanted = order.map(({ operation }) => operation.count!.counted_qty);
    const steps = conflict.trail.filter(({ step }) => step === 'opened' || step === 'joined');
    const kept = steps.map(({ local_value }) => local_value?.counted_qty);
    if (conflict.trail.length < MAX_STEPS && JSON.stringify(kept) !== JSON.stringify(wanted))
      complaints.push(`${id} keeps ${JSON.stringify(kept)} and was sent ${JSON.stringify(wanted)}`);
    if (conflict.local_value.counted_qty !== wanted.at(-1))
      complaints.push(
        `${id} holds ${conflict.local_value.counted_qty} and not the last count ${wanted.at(-1)}`,
      );
    for (const { operation } of order) {
      if (lineKey(conflict) !== lineKey({ session_id: operation.session_id, ...operation.count! }))
        complaints.push(`${id} was told to ${operation.key}, which counted another line`);
      if (evidence.ledger.get(ledgerKey(operation))?.conflict_id !== id)
        complaints.push(`${operation.key} was told ${id}, the ledger says otherwise`);
    }
  }
  for (const id of byId.keys())
    if (!told.has(id)) complaints.push(`${id} is stored and nobody was told of it`);
  return complaints;
}

type Receipt = { stored: { seq: number }; batch: { operations: unknown[] }; operation: unknown };

const byReceipt = (a: Receipt, b: Receipt): number =>
  a.stored.seq - b.stored.seq ||
  a.batch.operations.indexOf(a.operation) - b.batch.operations.indexOf(b.operation);

function onceComplaints({ journal, evidence }: Case): string[] {
  const successes = Map.groupBy(
    journal.requests.filter(({ act, status }) => act === 'resolve' && status === 200),
    ({ conflict_id }) => conflict_id!,
  );
  const events = new Map<string, number>();
  for (const { event } of evidence.outbox) {
    const conflict = event.payload.data['conflict'] as { conflict_id: string; state: string } | undefined;
    if (!conflict) continue;
    const key = `${conflict.conflict_id} ${conflict.state}`;
    events.set(key, (events.get(key) ?? 0) + 1);
  }
  return evidence.conflicts.flatMap((conflict) => {
    const { conflict_id: id, status, trail } = conflict;
    const ends = trail.filter(({ step }) => step === 'resolved').length;
    const wanted = status === 'resolved' ? 1 : 0;
    const told = successes.get(id) ?? [];
    return [
      ...(ends === wanted ? [] : [`${id} is ${status} and has ${ends} decisions in its trail`]),
      ...(told.length > 1 ? [`${id} was decided ${told.length} times`] : []),
      ...((events.get(`${id} pending`) ?? 0) === 1
        ? []
        : [`${id} was opened ${events.get(`${id} pending`)} times`]),
      ...((events.get(`${id} resolved`) ?? 0) === wanted
        ? []
        : [`${id} has ${events.get(`${id} resolved`) ?? 0} resolved events`]),
      ...told.flatMap((request) =>
        conflict.resolved_by === request.user && conflict.resolution === request.resolution
          ? []
          : [`${id} was decided by ${request.user}, and is stored otherwise`],
      ),
    ];
  });
}

function sessionComplaints({ evidence }: Case): string[] {
  const pending = Map.groupBy(
    evidence.conflicts.filter(({ status }) => status === 'pending'),
    ({ session_id }) => session_id,
  );
  return evidence.sessions.flatMap(({ session_id, sync_status, conflict_items }) => {
    const wanted = [
      ...new Set(pending.get(session_id)?.map((conflict: StoredConflict) => conflict.item_code)),
    ].sort();
    const status = wanted.length > 0 ? 'conflict' : 'synced';
    return [
      ...(sync_status === status
        ? []
        : [`${session_id} is ${sync_status} with ${wanted.length} disputed items`]),
      ...(JSON.stringify(conflict_items.toSorted()) === JSON.stringify(wanted)
        ? []
        : [`${session_id} names ${conflict_items} as disputed, and these are: ${wanted}`]),
    ];
  });
}

/** A count follows the version that its device knew, or a count of the same device and epoch. */
function blindWrites(given: Case): string[] {
  const complaints: string[] = [];
  for (const [line, writers] of writersByLine(given)) {
    const byVersion = new Map(writers.map((writer) => [writer.version, writer]));
    for (const writer of writers) {
      const before = byVersion.get(writer.version - 1);
      if (!writer.story || !before || writer.baseVersion === before.version) continue;
      const isOwn = before.device_id === writer.device_id && before.queue_epoch === writer.queue_epoch;
      if (!isOwn)
        complaints.push(`${line}: ${writer.what} overwrote version ${before.version}, which it did not know`);
    }
  }
  return complaints;
}
