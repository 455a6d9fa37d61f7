import type { Service } from '../runtime/service.ts';
import type { JobPayload } from './definitions.ts';

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
 * Adopts foreign locks and rings `end-due-locks`, at once and every 5 s. Runs with the `scheduler` role, in
 * any number of processes.
 */
export function lockSweep(dependencies: LockSweepDependencies): Service {
  const { ring, adoptForeign, onError, everyMs = SWEEP_EVERY_MS } = dependencies;
  let timer: NodeJS.Timeout | undefined;
  const sweep = async (): Promise<void> => {
    await adoptForeign().catch(onError);
    await ring({ v: 1, type: 'end-due-locks' }).catch(onError);
  };
  return {
    name: 'lock-sweep',
    start: async () => {
      void sweep();
      timer ??= setInterval(sweep, everyMs);
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
