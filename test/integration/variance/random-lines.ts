import type { CountLine } from '../../../src/contract/schemas/count-line.ts';

/** A small seeded generator (mulberry32): the same seed gives the same history on every machine. */
export function randomFrom(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    chance: (percent: number): boolean => below(100) < percent,
    pick: <T>(list: readonly T[]): T => list[below(list.length)]!,
    uuid: (): string => '00000000-0000-4000-8000-000000000000'.replace(/0/g, () => below(16).toString(16)),
  };
}
export type Random = ReturnType<typeof randomFrom>;

const CATEGORIES = ['Drinks', 'Food.Dry', '$pecial', '100 %', 'Übergröße', '7', '__proto__', null, ''];
const REASONS = ['damaged', 'theft', 'miscount', 'other', 'a.b', '$x', null, null, ''];
const QUANTITIES = [0, 1, 2, 2.5, 10, 0.1, 0.2, 0.3, 1.0005, 99.9999, 12345.6789];

/** One line as the sync path would write it, with the shapes that hurt: nulls, fractions, odd names. */
export function randomLine(
  random: Random,
  at: Date,
  key: { session_id: string; item_code: string; location: string },
): CountLine {
  const counted = random.pick(QUANTITIES);
  return {
    id: random.uuid(),
    ...key,
    counted_qty: counted,
    erp_qty: random.chance(10) ? null : random.chance(50) ? counted : random.pick(QUANTITIES),
    erp_qty_source: 'device',
    variance: null,
    variance_reason: random.pick(REASONS),
    category: random.pick(CATEGORIES),
    unit_value: random.chance(10) ? null : random.pick([0.0005, 1, 9.99, 0.3333, 1234.5678]),
    variance_value: null,
    note: null,
    counted_by: 'ann',
    counted_at: at,
    version: 1,
    updated_at: new Date(at.getTime() + random.below(3) * 1000),
    device_id: 'd1',
    queue_epoch: 'e1',
    ...(random.chance(4) ? { voided_at: at, voided_by: 'sue' } : {}),
    ...(random.chance(2) ? { status: random.pick(['REJECTED', 'Rejected']) } : {}),
  };
}

/** Lines of sessions spread over [start, end), several locations per item, some crossing midnight. */
export function randomHistory(
  random: Random,
  span: { start: Date; end: Date; sessions: number; itemsPerSession: number },
): CountLine[] {
  const lines: CountLine[] = [];
  const length = span.end.getTime() - span.start.getTime();
  for (let session = 0; session < span.sessions; session += 1) {
    const begun = span.start.getTime() + random.below(length);
    const spread = random.pick([3_600_000, 8 * 3_600_000, 40 * 3_600_000, 20 * 86_400_000]);
    for (let item = 0; item < span.itemsPerSession; item += 1) {
      for (const location of random.chance(25) ? ['', 'B-2', 'shelf'] : ['']) {
        const at = new Date(Math.min(begun + random.below(spread), span.end.getTime() - 1));
        const key = { session_id: `S${session}`, item_code: `I${item}`, location };
        lines.push(randomLine(random, at, key));
      }
    }
  }
  return lines;
}
