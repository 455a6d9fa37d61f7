import type { Service } from '../runtime/service.ts';
import type { JobPayload } from './definitions.ts';
import { createSweep } from './sweep.ts';

/** Bounds how late a lock's end is recorded when its own ring was lost. */
const SWEEP_EVERY_MS = 5_000;

export interface LockSweepDependencies {
  ring: (payload: JobPayload) => Promise<void>;
  /** Makes locks of what other programs wrote, so that the job ends them like any other. */
  adoptForeign: () => Promise<void>;
  /** A step that failed; the next sweep comes by itself. */
  onError: (error: unknown) => void;
  everyMs?: number;
}

/**
 * Adopts foreign locks and rings `end-due-locks`, each at once and every 5 s (sweep.ts). The ring waits for no
 * adoption. Runs with the `scheduler` role, in any number of processes.
 */
export function lockSweep(dependencies: LockSweepDependencies): Service {
  const { ring, adoptForeign, onError, everyMs = SWEEP_EVERY_MS } = dependencies;
  return createSweep({
    name: 'lock-sweep',
    everyMs,
    steps: [adoptForeign, () => ring({ v: 1, type: 'end-due-locks' })],
    onError,
  });
}
