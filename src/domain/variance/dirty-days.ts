import { type CountedLine, countedItem } from './counted-item.ts';
import { localDay } from './periods.ts';

/**
 * The local days whose figures a change of one item in one session touches: the day it counted on before
 * and the day it counts on after, each once, `YYYY-MM-DD` in `zone`. Both lists hold all lines of that
 * item in that session, unchanged ones too; voided lines may be in them. An item that counts neither
 * before nor after touches no day.
 */
export function dirtyDays(
  before: readonly CountedLine[],
  after: readonly CountedLine[],
  zone: string,
): string[] {
  const days = [countedItem(before), countedItem(after)].flatMap((item) =>
    item ? [localDay(item.counted_at, zone)] : [],
  );
  return [...new Set(days)];
}
