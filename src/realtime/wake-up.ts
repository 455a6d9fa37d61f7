/** A loop's alarm clock: `wait` ends at the next `wake`, or after `ms`. */
export interface WakeUp {
  /** A wake that comes while nobody waits is kept for the next wait. */
  wake(): void;
  wait(ms: number): Promise<void>;
}

export function createWakeUp(): WakeUp {
  let pending = false;
  let resolveWait: (() => void) | undefined;
  return {
    wake() {
      pending = true;
      resolveWait?.();
    },
    async wait(ms) {
      if (!pending) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          resolveWait = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        resolveWait = undefined;
      }
      pending = false;
    },
  };
}
