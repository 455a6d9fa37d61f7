import type { Evidence } from '../check/evidence.ts';
import type { FaultKind } from './kinds.ts';
import type { Fault } from './plan.ts';

/** Operations that were in flight when a fault struck and how long they waited for their verdicts. */
export interface Recovery {
  kind: FaultKind;
  ms: number;
}

/**
 * Recovery time of a fault: from its beginning until the last of the batches that were received before it and
 * not applied yet got its verdicts; when there was none, until the first batch that was received after it got
 * them. By the database's times. Faults that came together are left out: whose fault it was cannot be told.
 */
export function recoveries(faults: readonly Fault[], { batches }: Pick<Evidence, 'batches'>): Recovery[] {
  const stored = [...batches.values()].flatMap(({ received_at, applied_at }) =>
    applied_at ? [{ received: received_at.getTime(), applied: applied_at.getTime() }] : [],
  );
  return faults.flatMap(({ kind, at, isCombined }) => {
    if (isCombined) return [];
    const inFlight = stored.filter(({ received, applied }) => received <= at && applied > at);
    const until =
      inFlight.length > 0
        ? Math.max(...inFlight.map(({ applied }) => applied))
        : Math.min(...stored.filter(({ received }) => received > at).map(({ applied }) => applied));
    return Number.isFinite(until) ? [{ kind, ms: until - at }] : [];
  });
}

/** The value below which this share of the values lies, by nearest rank; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
