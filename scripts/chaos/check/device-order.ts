// S4: batches of one device are applied in the order received, operations in the order of their batch.
import type { Violation } from '../letters.ts';
import type { Case } from './deliveries.ts';
import type { StoredBatch } from './evidence.ts';
import { writersByLine } from './line-writers.ts';

export function checkDeviceOrder(given: Case): Violation[] {
  return [...receiptComplaints(given), ...applyComplaints(given), ...lineComplaints(given)].map((what) => ({
    letter: 'S4',
    what,
  }));
}

/** What was acknowledged before another batch was sent was received before it. */
function receiptComplaints({ journal, evidence }: Case): string[] {
  const complaints: string[] = [];
  const acknowledged = [...journal.batches.values()].filter(
    ({ acknowledgedAt }) => acknowledgedAt !== undefined,
  );
  for (const ofDevice of Map.groupBy(acknowledged, ({ device_id }) => device_id).values()) {
    const bySending = ofDevice.toSorted((a, b) => a.firstSentAt - b.firstSentAt);
    const byAck = ofDevice.toSorted((a, b) => a.acknowledgedAt! - b.acknowledgedAt!);
    let highest: StoredBatch | undefined;
    let next = 0;
    for (const batch of bySending) {
      for (; byAck[next] && byAck[next]!.acknowledgedAt! < batch.firstSentAt; next += 1) {
        const before = evidence.batches.get(byAck[next]!.batch_id);
        if (before && before.seq > (highest?.seq ?? 0)) highest = before;
      }
      const stored = evidence.batches.get(batch.batch_id);
      if (stored && highest && stored.seq < highest.seq)
        complaints.push(
          `${batch.batch_id} was sent after ${highest._id} was acknowledged, and has an earlier number`,
        );
    }
  }
  return complaints;
}

function applyComplaints({ evidence }: Case): string[] {
  const byDevice = Map.groupBy(evidence.batches.values(), ({ device_id }) => device_id);
  return [...byDevice].flatMap(([device, batches]) => {
    const inOrder = batches.toSorted((a, b) => a.seq - b.seq);
    return inOrder.flatMap((batch, index) => {
      const before = inOrder[index - 1];
      if (before?.seq === batch.seq) return [`${device}: two batches have the number ${batch.seq}`];
      const isEarly = before?.applied_at && batch.applied_at && batch.applied_at < before.applied_at;
      return isEarly ? [`${device}: batch ${batch.seq} was applied before batch ${before.seq}`] : [];
    });
  });
}

/** On one line the versions of a device's counts grow with the order of receipt. */
function lineComplaints(given: Case): string[] {
  const complaints: string[] = [];
  for (const [line, writers] of writersByLine(given)) {
    const counts = writers.filter(({ position }) => position).sort((a, b) => a.version - b.version);
    for (const ofDevice of Map.groupBy(counts, ({ device_id }) => device_id).values()) {
      for (const [index, writer] of ofDevice.entries()) {
        const before = ofDevice[index - 1];
        if (!before) continue;
        const [a, b] = [before.position!, writer.position!];
        if (b.seq < a.seq || (b.seq === a.seq && b.index < a.index))
          complaints.push(`${line}: ${writer.what} was received before ${before.what} and written after it`);
      }
    }
  }
  return complaints;
}
