// Which fault comes when, from the seed: one after the other has been recovered from, now and then two at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultKind, isPossible, type Stage, strike } from './kinds.ts';

export interface Fault {
  kind: FaultKind;
  at: number;
  /** When the servers, processes and links were whole again. */
  healedAt: number;
  /** Together with another one: its recovery is not counted as its kind's. */
  isCombined: boolean;
  /** What went wrong while it was brought about or healed. */
  error?: string;
}

export interface FaultPlan extends Stage {
  kinds: readonly FaultKind[];
  /** Resolves when what was acknowledged before this moment is applied, or it took too long. */
  recovered: (since: number) => Promise<void>;
  signal: AbortSignal;
}

/** More often than the others in each round, because its recovery has a bound to show. */
const OFTEN: Partial<Record<FaultKind, number>> = { kill_worker: 3, kill_api: 2, mongo_kill: 2 };
const COMBINED = 0.15;

/** Strikes until the signal; each fault is in `faults` from the moment it begins. Resolves when all is healed. */
export async function runFaults(plan: FaultPlan, faults: Fault[]): Promise<void> {
  const { random, signal } = plan;
  const possible = plan.kinds.filter((kind) => isPossible(kind, plan.services));
  if (possible.length === 0) return;
  const round = possible.flatMap((kind) => Array<FaultKind>(OFTEN[kind] ?? 1).fill(kind));
  for (let left: FaultKind[] = []; ; ) {
    await sleep(random.between(300, 2_000));
    if (signal.aborted) return;
    if (left.length === 0) left = random.sample(round, round.length);
    const kinds = left.splice(0, left.length > 1 && random.chance(COMBINED) ? 2 : 1);
    const at = Date.now();
    await Promise.all(kinds.map((kind) => strikeNoted(plan, kind, kinds.length > 1, faults)));
    await plan.recovered(at);
  }
}

async function strikeNoted(
  plan: FaultPlan,
  kind: FaultKind,
  isCombined: boolean,
  faults: Fault[],
): Promise<void> {
  const fault: Fault = { kind, at: Date.now(), healedAt: Number.POSITIVE_INFINITY, isCombined };
  faults.push(fault);
  await strike(kind, plan).catch((error: unknown) => {
    fault.error = error instanceof Error ? error.message : String(error);
  });
  fault.healedAt = Date.now();
}
