import type { Service } from '../runtime/service.ts';
import type { JobPayload } from './definitions.ts';
import { createSweep } from './sweep.ts';

/**
 * With the 10 s after which a batch counts as stranded, and one sweep more when Redis lost the job itself, it
 * is rung again within 40 s (invariant E1).
 */
const SWEEP_EVERY_MS = 15_000;

export interface StrandedSweepDependencies {
  /** Also when Redis kept only half of an earlier ring: else that would swallow every later one. */
  ring: (payload: JobPayload) => Promise<void>;
  onError: (error: unknown) => void;
  everyMs?: number;
}

/**
 * Rings `requeue-stranded-batches` at once and every 15 s. Runs with the `scheduler` role, in any number of
 * processes: the queue keeps one such job.
 */
export const strandedSweep = ({
  ring,
  onError,
  everyMs = SWEEP_EVERY_MS,
}: StrandedSweepDependencies): Service =>
  createSweep({
    name: 'stranded-sweep',
    everyMs,
    steps: [() => ring({ v: 1, type: 'requeue-stranded-batches' })],
    onError,
  });
