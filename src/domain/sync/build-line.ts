import type { CountLine } from '../../contract/schemas/count-line.ts';
import { decimal, multiply, round4, subtract, toNumber } from '../decimal.ts';
import type { AdjustedTime } from './adjust-time.ts';
import type { ErpFacts } from './chunk.ts';
import type { CountUpdate } from './operation.ts';

/** The book a count is compared with: the device's, else the ERP's at this moment, else none (rules). */
export function bookOf(
  count: Pick<CountUpdate, 'erp_qty' | 'unit_value' | 'category'>,
  erp: ErpFacts | undefined,
): Pick<CountLine, 'erp_qty' | 'erp_qty_source' | 'unit_value' | 'category'> {
  const erpQty = count.erp_qty ?? finite(erp?.stock_qty);
  return {
    erp_qty: erpQty,
    erp_qty_source: count.erp_qty !== null ? 'device' : erpQty !== null ? 'erp_items' : 'none',
    unit_value: count.unit_value ?? finite(erp?.mrp),
    category: count.category ?? label(erp?.category),
  };
}

const label = (value: unknown): string | null => (typeof value === 'string' ? value.trim() || null : null);

// The ERP mirror is foreign data: a value that is no number is no value.
const finite = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? round4(value) : null;

/** The line's own diagnostic: counted − book, and that × unit value. */
export function lineVariance(
  line: Pick<CountLine, 'counted_qty' | 'erp_qty' | 'unit_value'>,
): Pick<CountLine, 'variance' | 'variance_value'> {
  if (line.erp_qty === null) return { variance: null, variance_value: null };
  const variance = subtract(decimal(line.counted_qty), decimal(line.erp_qty));
  const value = line.unit_value === null ? null : toNumber(multiply(variance, decimal(line.unit_value)));
  return { variance: toNumber(variance), variance_value: value };
}

/** How a counted time is stored: what the device said is kept beside it when it was adjusted. */
export const countedAt = (
  time: AdjustedTime,
  deviceTime: Date,
): Pick<CountLine, 'counted_at' | 'counted_at_device' | 'time_adjusted'> =>
  time.adjusted === undefined
    ? { counted_at: time.at }
    : { counted_at: time.at, counted_at_device: deviceTime, time_adjusted: time.adjusted };
