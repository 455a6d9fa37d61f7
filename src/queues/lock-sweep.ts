import { inTime } from '../runtime/in-time.ts';
import type { Service } from '../runtime/service.ts';
import type { JobPayload } from './definitions.ts';

/** Bounds how late a lock's end is recorded when its own ring was lost. */
const SWEEP_EVERY_MS = 5_000;

/** What still runs after this long hangs on a dead socket, and ends with its client. */
const STOP_MS = 5_000;

export interface LockSweepDependencies {
  ring: (payload: JobPayload) => Promise<void>;
  /** Makes locks of what other programs wrote, so that the job ends them like any other. */
  adoptForeign: () => Promise<void>;
  /** A step that failed; the next sweep comes by itself. */
  onError: (error: unknown) => void;
  everyMs?: number;
}

/**
 * Adopts foreign locks and rings `end-due-locks`, each at once and every 5 s, but never a second time beside
 * itself: on dead sockets they would take every slot for transactions. The ring waits for no adoption. Runs
 * with the `scheduler` role, in any number of processes. `stop` waits up to 5 s for what still runs.
 */
export function lockSweep(dependencies: LockSweepDependencies): Service {
  const { ring, adoptForeign, onError, everyMs = SWEEP_EVERY_MS } = dependencies;
  let timer: NodeJS.Timeout | undefined;
  const adopt = oneAtATime(adoptForeign, onError);
  const ringDue = oneAtATime(() => ring({ v: 1, type: 'end-due-locks' }), onError);
  const sweep = (): void => {
    adopt.begin();
    ringDue.begin();
  };
  return {
    name: 'lock-sweep',
    start: async () => {
      if (timer) return;
      timer = setInterval(sweep, everyMs);
      sweep();
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
      await inTime(Promise.all([adopt.running(), ringDue.running()]), STOP_MS).catch(() => {});
    },
  };
}

/** Begins `step` unless it still runs. */
function oneAtATime(step: () => Promise<void>, onError: (error: unknown) => void) {
  let running: Promise<void> | undefined;
  return {
    begin: (): void => {
      running ??= step()
        .catch(onError)
        .finally(() => {
          running = undefined;
        });
    },
    running: (): Promise<void> | undefined => running,
  };
}
