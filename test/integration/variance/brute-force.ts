// The rules of "Periods and numbers" written a second time, as plainly as possible and without any code of
// src/domain/variance: floating zones by Intl, arithmetic in BigInt units of 10^-8.
import type { CountLine } from '../../../src/contract/schemas/count-line.ts';

type Type = 'daily' | 'weekly' | 'monthly';
export type ExpectedDocument = Record<string, unknown> & { period_type: Type; period_start: Date };

interface Item {
  session: string;
  code: string;
  at: number;
  /** 10^-4 */
  variance: bigint | null;
  book: bigint | null;
  /** 10^-8 */
  value: bigint;
  priced: boolean;
  category: string;
  reason: string;
}

const E4 = 10_000n;
const units4 = (value: number): bigint => BigInt(Math.round(value * 10_000));
const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** Half away from zero from 10^-8 to 10^-4. */
const money = (units8: bigint): number => {
  const rounded = ((abs(units8) + 5_000n) / E4) * (units8 < 0n ? -1n : 1n);
  return rounded === 0n ? 0 : Number(rounded) / 10_000;
};

const percentOf = (part: number, whole: number): number =>
  Number((BigInt(part) * 2_000_000n + BigInt(whole)) / (2n * BigInt(whole))) / 10_000;

function itemsOf(lines: readonly CountLine[]): Item[] {
  const groups = new Map<string, CountLine[]>();
  for (const line of lines) {
    const status = (line as { status?: string }).status ?? '';
    if (line.voided_at !== undefined || status.toLowerCase() === 'rejected') continue;
    const key = JSON.stringify([line.session_id, line.item_code]);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()].map((group) => {
    const latest = [...group].sort(
      (a, b) =>
        +a.counted_at - +b.counted_at || +a.updated_at - +b.updated_at || (a.location < b.location ? -1 : 1),
    )[group.length - 1]!;
    const quantity = group.reduce((sum, line) => sum + units4(line.counted_qty), 0n);
    const book = latest.erp_qty === null ? null : units4(latest.erp_qty);
    const variance = book === null ? null : quantity - book;
    const price = latest.unit_value === null ? null : units4(latest.unit_value);
    return {
      session: latest.session_id,
      code: latest.item_code,
      at: +latest.counted_at,
      variance,
      book,
      value: variance === null || price === null ? 0n : variance * price,
      priced: price !== null,
      category: latest.category || 'Uncategorized',
      reason: latest.variance_reason || 'unspecified',
    };
  });
}

// --- the calendar, from formatted local times alone ---

const formats = new Map<string, Intl.DateTimeFormat>();
function dateAt(ms: number, zone: string): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  formats.set(zone, format);
  return format.format(ms);
}

const utc = (date: string): number => Date.parse(`${date}T00:00:00Z`);
const shift = (date: string, days: number): string =>
  new Date(utc(date) + days * 86_400_000).toISOString().slice(0, 10);

/** The first instant whose local date is `date` or later, by bisection to the millisecond. */
const starts = new Map<string, number>();
function startOf(date: string, zone: string): number {
  const known = starts.get(zone + date);
  if (known !== undefined) return known;
  let low = utc(date) - 16 * 3_600_000;
  let high = utc(date) + 16 * 3_600_000;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (dateAt(middle, zone) >= date) high = middle;
    else low = middle;
  }
  starts.set(zone + date, high);
  return high;
}

function firstDay(type: Type, date: string): string {
  if (type === 'daily') return date;
  if (type === 'monthly') return `${date.slice(0, 8)}01`;
  return shift(date, -((new Date(utc(date)).getUTCDay() + 6) % 7));
}

function nextFirstDay(type: Type, first: string): string {
  return firstDay(type, shift(first, type === 'daily' ? 1 : type === 'weekly' ? 7 : 31));
}

// --- the documents ---

/** Every document that must be stored, apart from `generation`, `generated_at` and `generated_by`. */
export function bruteForce(
  lines: readonly CountLine[],
  options: { zone: string; now: Date; tolerancePercent: number; from?: string },
): ExpectedDocument[] {
  const { zone, now } = options;
  const items = itemsOf(lines).filter((item) => item.at <= +now);
  if (items.length === 0) return [];
  const first = dateAt(Math.min(...items.map((item) => item.at)), zone);
  const byDay = Map.groupBy(items, (item) => dateAt(item.at, zone));
  const documents: ExpectedDocument[] = [];
  for (const type of ['daily', 'weekly', 'monthly'] as const) {
    let previous: { total: number; accuracy: number } | undefined;
    for (let day = firstDay(type, first); startOf(day, zone) <= +now; day = nextFirstDay(type, day)) {
      const end = nextFirstDay(type, day);
      const inside: Item[] = [];
      for (let date = day; date < end; date = shift(date, 1)) inside.push(...(byDay.get(date) ?? []));
      const provisional = startOf(end, zone) > +now;
      if (provisional && inside.length === 0) continue;
      const document = documentOf(
        type,
        { start: startOf(day, zone), end: startOf(end, zone) },
        inside,
        options,
      );
      const total = document['total_items_counted'] as number;
      const accuracy = document['accuracy_score'] as number;
      const has = previous !== undefined && previous.total > 0;
      documents.push({
        ...document,
        provisional,
        has_previous_period: has,
        previous_period_accuracy: has ? previous!.accuracy : 0,
        accuracy_change: has && total > 0 ? Math.round((accuracy - previous!.accuracy) * 1e4) / 1e4 : 0,
      });
      previous = { total, accuracy };
    }
  }
  return documents;
}

function documentOf(
  type: Type,
  span: { start: number; end: number },
  items: readonly Item[],
  options: { zone: string; tolerancePercent: number },
): ExpectedDocument {
  const counted = items.filter((item) => item.variance !== null);
  const varied = counted.filter((item) => item.variance !== 0n);
  const tolerance = units4(options.tolerancePercent);
  const within = counted.filter((item) => abs(item.variance!) * 100n * E4 <= tolerance * abs(item.book!));
  const rate = counted.length === 0 ? 0 : percentOf(varied.length, counted.length);
  const categories = Map.groupBy(varied, (item) => item.category);
  const reasons = [...Map.groupBy(varied, (item) => item.reason)]
    .map(([name, list]) => [name, list.length] as [string, number])
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const named = new Map(reasons.slice(0, 200));
  const rest = reasons.slice(200).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) named.set('other', (named.get('other') ?? 0) + rest);
  const sum = (list: readonly Item[], of: (item: Item) => bigint): bigint =>
    list.reduce((total, item) => total + of(item), 0n);
  return {
    period_type: type,
    period_start: new Date(span.start),
    period_end: new Date(span.end),
    timezone: options.zone,
    total_items_counted: counted.length,
    items_with_variance: varied.length,
    variance_rate: rate,
    accuracy_score: Math.round((100 - rate) * 1e4) / 1e4,
    variance_by_category: Object.fromEntries(
      [...categories].map(([name, list]) => [
        escapeKey(name),
        { count: list.length, total_variance_value: money(sum(list, (item) => item.value)) },
      ]),
    ),
    variance_by_reason: Object.fromEntries([...named].map(([name, count]) => [escapeKey(name), count])),
    distinct_items: new Set(items.map((item) => item.code)).size,
    net_variance_value: money(sum(counted, (item) => item.value)),
    absolute_variance_value: money(sum(counted, (item) => abs(item.value))),
    items_without_book: items.length - counted.length,
    unpriced_items: counted.filter((item) => !item.priced).length,
    items_within_tolerance: within.length,
    record_accuracy: counted.length === 0 ? 100 : percentOf(within.length, counted.length),
    session_ids: [...new Set(items.map((item) => item.session))].sort(),
    formula_version: 1,
  };
}

const escapeKey = (name: string): string =>
  name.replace(/[%.]/g, (character) => (character === '%' ? '%25' : '%2E')).replace(/^\$/, '%24');
