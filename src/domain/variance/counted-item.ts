import type { CountLine } from '../../contract/schemas/count-line.ts';
import { add, type Decimal, decimal, isZero, multiply, subtract, ZERO } from '../decimal.ts';

/** What the figures need of a line. `status` and `approval_status` are the deployed app's own fields. */
export type CountedLine = Pick<
  CountLine,
  'location' | 'counted_qty' | 'erp_qty' | 'unit_value' | 'category' | 'variance_reason'
> &
  Pick<CountLine, 'counted_at' | 'updated_at' | 'voided_at'> & {
    status?: string | null | undefined;
    approval_status?: string | null | undefined;
  };

/** One item of one session over all its locations (rules, "Periods and numbers"). */
export interface CountedItem {
  quantity: Decimal;
  book: Decimal | null;
  unit_value: Decimal | null;
  category: string | null;
  reason: string | null;
  /** Time of the latest line; it alone decides the periods. */
  counted_at: Date;
  /** quantity − book; null without a book. */
  variance: Decimal | null;
  /** variance × unit value; 0 without a book or a unit value. */
  variance_value: Decimal;
  has_variance: boolean;
}

/**
 * The counted item that these lines of one session and item make up, or undefined when none of them
 * counts: voided lines and lines that the deployed app marked rejected do not.
 */
export function countedItem(lines: readonly CountedLine[]): CountedItem | undefined {
  const counting = lines.filter(counts);
  const latest = counting.reduce<CountedLine | undefined>(
    (best, line) => (best === undefined || isLater(line, best) ? line : best),
    undefined,
  );
  if (latest === undefined) return undefined;
  const quantity = counting.reduce((sum, line) => add(sum, decimal(line.counted_qty)), ZERO);
  const book = orNull(latest.erp_qty);
  const unitValue = orNull(latest.unit_value);
  const variance = book && subtract(quantity, book);
  return {
    quantity,
    book,
    unit_value: unitValue,
    category: latest.category,
    reason: latest.variance_reason,
    counted_at: latest.counted_at,
    variance,
    variance_value: variance && unitValue ? multiply(variance, unitValue) : ZERO,
    has_variance: variance !== null && !isZero(variance),
  };
}

const orNull = (value: number | null): Decimal | null => (value === null ? null : decimal(value));

function counts(line: CountedLine): boolean {
  return !line.voided_at && !isRejected(line.status) && !isRejected(line.approval_status);
}

const isRejected = (status: string | null | undefined): boolean => status?.toUpperCase() === 'REJECTED';

function isLater(a: CountedLine, b: CountedLine): boolean {
  const byCount = a.counted_at.getTime() - b.counted_at.getTime();
  if (byCount !== 0) return byCount > 0;
  const byUpdate = a.updated_at.getTime() - b.updated_at.getTime();
  return byUpdate !== 0 ? byUpdate > 0 : compareText(a.location, b.location) > 0;
}

/** By Unicode code points, as MongoDB orders strings; `<` compares UTF-16 units and differs above U+FFFF. */
export function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
