const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A device clock that is off by more than this is corrected by the difference. */
const TOLERATED_SKEW_MS = 10 * MINUTE_MS;

export type TimeAdjustment = 'skew' | 'future' | 'past';

export interface AdjustedTime {
  at: Date;
  adjusted?: TimeAdjustment;
}

/**
 * What the server takes a device's time for (rules, "Times"): corrected by the device's clock error, and
 * replaced by the receipt when it then lies after it or more than `maxAgeDays` before it.
 */
export function adjustTime(
  deviceTime: Date,
  receipt: { sentAt: Date; receivedAt: Date; maxAgeDays: number },
): AdjustedTime {
  const receivedMs = receipt.receivedAt.getTime();
  const errorMs = receivedMs - receipt.sentAt.getTime();
  const skewed = Math.abs(errorMs) > TOLERATED_SKEW_MS;
  const atMs = deviceTime.getTime() + (skewed ? errorMs : 0);
  if (atMs > receivedMs) return { at: receipt.receivedAt, adjusted: 'future' };
  if (atMs < receivedMs - receipt.maxAgeDays * DAY_MS) return { at: receipt.receivedAt, adjusted: 'past' };
  return skewed ? { at: new Date(atMs), adjusted: 'skew' } : { at: deviceTime };
}
