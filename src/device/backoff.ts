const ROW_BASE_MS = 2_000;
/** Nothing waits longer than this, which also bounds the harm of a clock that was set back. */
export const MAX_ROW_WAIT_MS = 5 * 60_000;

const CONNECTION_BASE_MS = 1_000;
const MAX_CONNECTION_WAIT_MS = 5 * 60_000;

/**
 * Wait of a row after its n-th `retry` verdict: 2 s, 4 s, 8 s … at most 5 min, of which `random` (0..1)
 * takes away up to half. Never 0, so that a cycle cannot spin on a row.
 */
export function rowWaitMs(retryCount: number, random: number): number {
  const fullMs = Math.min(MAX_ROW_WAIT_MS, ROW_BASE_MS * 2 ** Math.max(0, retryCount - 1));
  return Math.round(fullMs * (1 - random / 2));
}

/**
 * Wait after the n-th failed contact in a row, with full jitter: anything between 0 and 2 s, 4 s, 8 s …
 * at most 5 min, so that a thousand phones do not come back to a restarted server in one moment.
 */
export function connectionWaitMs(failures: number, random: number): number {
  return Math.round(Math.min(MAX_CONNECTION_WAIT_MS, CONNECTION_BASE_MS * 2 ** failures) * random);
}
