/** Ctrl-C or a plain kill, at any time. */
export interface Interruption {
  /** Rejects with Interrupted at the first signal; a third one ends the process at once. */
  readonly signal: Promise<never>;
  hasCome(): boolean;
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Exit code of a program that Ctrl-C ended. */
export const INTERRUPTED_EXIT_CODE = 130;
/** The start of the servers passes a signal on once it has put things in order: that is the second. */
const MOST_SIGNALS = 2;

export function listenForInterruption(): Interruption {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  let received = 0;
  for (const name of SIGNALS) {
    process.on(name, () => {
      received += 1;
      if (received > MOST_SIGNALS) process.exit(INTERRUPTED_EXIT_CODE);
      reject(new Interrupted('stopping'));
    });
  }
  return { signal: promise, hasCome: () => received > 0 };
}
