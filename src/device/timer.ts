/** Timers as a port: there is no common type for them on phones and in Node, and tests bring their own. */
export interface Timer {
  set(callback: () => void, delayMs: number): unknown;
  clear(handle: unknown): void;
}

declare const setTimeout: (callback: () => void, delayMs: number) => unknown;
declare const clearTimeout: (handle: unknown) => void;

export const platformTimer: Timer = {
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (handle) => clearTimeout(handle),
};

export interface Sleeper {
  /** Resolves after `delayMs`, or at once when `wakeAll` is called. */
  sleep(delayMs: number): Promise<void>;
  wakeAll(): void;
}

export function createSleeper(timer: Timer): Sleeper {
  const sleeping = new Set<() => void>();
  return {
    sleep(delayMs) {
      return new Promise((resolve) => {
        const wake = (): void => {
          timer.clear(handle);
          sleeping.delete(wake);
          resolve();
        };
        const handle = timer.set(wake, delayMs);
        sleeping.add(wake);
      });
    },
    wakeAll() {
      for (const wake of [...sleeping]) wake();
    },
  };
}

/** `work`, or a rejection after `limitMs`: a half-open connection never answers and never fails either. */
export function withTimeLimit<T>(timer: Timer, work: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const handle = timer.set(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
    work.then(resolve, reject).finally(() => timer.clear(handle));
  });
}
