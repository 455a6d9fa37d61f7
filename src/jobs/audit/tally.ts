import {
  absolute,
  add,
  compare,
  type Decimal,
  decimal,
  isZero,
  multiply,
  ratio,
  toNumber,
  ZERO,
} from '../../domain/decimal.ts';
import type { AuditedItem } from './items-of-lines.ts';

/** The running figures of one period. Grows with its item codes, sessions, categories and reasons. */
export interface Tally {
  counted: number;
  varied: number;
  within: number;
  withoutBook: number;
  unpriced: number;
  net: Decimal;
  gross: Decimal;
  categories: Map<string, { count: number; value: Decimal }>;
  reasons: Map<string, number>;
  codes: Set<string>;
  sessions: Set<string>;
}

export const emptyTally = (): Tally => ({
  counted: 0,
  varied: 0,
  within: 0,
  withoutBook: 0,
  unpriced: 0,
  net: ZERO,
  gross: ZERO,
  categories: new Map(),
  reasons: new Map(),
  codes: new Set(),
  sessions: new Set(),
});

/** Adds one counted item. */
export function tallyItem(tally: Tally, item: AuditedItem, tolerancePercent: number): void {
  tally.codes.add(item.item_code);
  tally.sessions.add(item.session_id);
  if (!item.variance || !item.book) {
    tally.withoutBook += 1;
    return;
  }
  tally.counted += 1;
  tally.net = add(tally.net, item.value);
  tally.gross = add(tally.gross, absolute(item.value));
  if (!item.priced) tally.unpriced += 1;
  const allowed = multiply(absolute(item.book), decimal(tolerancePercent));
  if (compare(multiply(absolute(item.variance), decimal(100)), allowed) <= 0) tally.within += 1;
  if (isZero(item.variance)) return;
  tally.varied += 1;
  tally.reasons.set(item.reason, (tally.reasons.get(item.reason) ?? 0) + 1);
  const category = tally.categories.get(item.category) ?? { count: 0, value: ZERO };
  category.count += 1;
  category.value = add(category.value, item.value);
  tally.categories.set(item.category, category);
}

/** The document's fields that follow from a tally; maps as they are stored. */
export function figuresOf(tally: Tally) {
  const rate = tally.counted === 0 ? 0 : share(tally.varied, tally.counted);
  return {
    total_items_counted: tally.counted,
    items_with_variance: tally.varied,
    variance_rate: rate,
    accuracy_score: toNumber(add(decimal(100), decimal(-rate))),
    variance_by_category: storedMap(
      [...tally.categories].map(([name, { count, value }]) => [
        name,
        { count, total_variance_value: toNumber(value) },
      ]),
    ),
    variance_by_reason: storedMap(largestReasons(tally.reasons)),
    distinct_items: tally.codes.size,
    net_variance_value: toNumber(tally.net),
    absolute_variance_value: toNumber(tally.gross),
    items_without_book: tally.withoutBook,
    unpriced_items: tally.unpriced,
    items_within_tolerance: tally.within,
    record_accuracy: tally.counted === 0 ? 100 : share(tally.within, tally.counted),
    session_ids: [...tally.sessions].sort(byBytes),
  };
}

const share = (part: number, whole: number): number => ratio(decimal(part * 100), decimal(whole));

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function largestReasons(reasons: ReadonlyMap<string, number>): [string, number][] {
  const ranked = [...reasons].sort(([a, m], [b, n]) => n - m || byBytes(a, b));
  const kept = new Map(ranked.slice(0, 200));
  const rest = ranked.slice(200).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) kept.set('other', (kept.get('other') ?? 0) + rest);
  return [...kept];
}

const storedMap = <T>(entries: [string, T][]): Record<string, T> =>
  Object.fromEntries(
    entries.map(([name, value]) => [
      name.replace(/%|\.|^\$/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`),
      value,
    ]),
  );
