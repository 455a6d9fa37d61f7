/**
 * Counts occurrences in a sliding window: `spend(now)` is false once `limit` of them lie within the last
 * `windowMs`. Remembers at most `limit` times.
 */
export function createAllowance(limit: number, windowMs: number): { spend(now: number): boolean } {
  const times: number[] = [];
  return {
    spend(now) {
      while (times.length > 0 && (times[0] ?? now) <= now - windowMs) times.shift();
      if (times.length >= limit) return false;
      times.push(now);
      return true;
    },
  };
}
