const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that must put things in order before the process may end. The first Ctrl-C or SIGTERM aborts the
 * signal that `work` was given; once the work has settled the process ends by that same signal, as it would
 * have without this function. A second one ends it at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const abort = (signal: NodeJS.Signals) => {
    received = signal;
    forget();
    controller.abort();
  };
  const forget = () => {
    for (const signal of SIGNALS) process.off(signal, abort);
  };
  for (const signal of SIGNALS) process.on(signal, abort);
  try {
    return await work(controller.signal);
  } finally {
    forget();
    if (received) process.kill(process.pid, received);
  }
}
