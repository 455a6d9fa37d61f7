import { inTime } from '../runtime/in-time.ts';
import type { Service } from '../runtime/service.ts';

/** What a stop waits for a sweep; one on a dead socket takes longer. */
const STOP_MS = 1_000;

export interface Sweep {
  name: string;
  everyMs: number;
  /** Begun together; none waits for another. */
  steps: readonly (() => Promise<void>)[];
  /** A step that failed; the next sweep comes by itself. */
  onError: (error: unknown) => void;
}

/**
 * Takes each step at once and then every `everyMs`, but never a second time beside itself: on dead sockets many
 * would wait for the first. `stop` waits up to 1 s for what still runs.
 */
export function createSweep({ name, everyMs, steps, onError }: Sweep): Service {
  let timer: NodeJS.Timeout | undefined;
  const each = steps.map((step) => oneAtATime(step, onError));
  const sweep = (): void => {
    for (const step of each) step.begin();
  };
  return {
    name,
    start: async () => {
      if (timer) return;
      timer = setInterval(sweep, everyMs);
      sweep();
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
      await inTime(Promise.all(each.map((step) => step.running())), STOP_MS).catch(() => {});
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
