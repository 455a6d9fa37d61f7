/** Counts what a connection was given to send and has not written out yet, in bytes. */
export interface SendBudget {
  readonly queued: number;
  /** Whether `bytes` more would go over the limit. */
  wouldExceed(bytes: number): boolean;
  add(bytes: number): void;
  written(bytes: number): void;
}

/**
 * The bound of one connection's queue (invariant R3, 1 MiB by contract). The socket's own
 * `bufferedAmount` stays 0 until the kernel's buffers are full, so the relay counts for itself, too.
 */
export function createSendBudget(limitBytes: number): SendBudget {
  let queued = 0;
  return {
    get queued() {
      return queued;
    },
    wouldExceed: (bytes) => queued + bytes > limitBytes,
    add(bytes) {
      queued += bytes;
    },
    written(bytes) {
      queued = Math.max(0, queued - bytes);
    },
  };
}
