import type { Service } from '../runtime/service.ts';
import type { JobPayload } from './definitions.ts';

/** Bounds how late a lock's end is recorded when its own ring was lost. */
const SWEEP_EVERY_MS = 5_000;

export interface LockSweepDependencies {
  ring: (payload: JobPayload) => Promise<void>;
  /** A ring that failed; the next one comes by itself. */
  onError: (error: unknown) => void;
  everyMs?: number;
}

/** Rings `end-due-locks` at once and every 5 s. Runs with the `scheduler` role, in any number of processes. */
export function lockSweep({ ring, onError, everyMs = SWEEP_EVERY_MS }: LockSweepDependencies): Service {
  let timer: NodeJS.Timeout | undefined;
  const sweep = (): void => {
    ring({ v: 1, type: 'end-due-locks' }).catch(onError);
  };
  return {
    name: 'lock-sweep',
    start: async () => {
      sweep();
      timer ??= setInterval(sweep, everyMs);
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
