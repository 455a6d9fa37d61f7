import type { StoredLine } from '../../db/variance/line-cursor.ts';
import { add, type Decimal, decimal, multiply, subtract, ZERO } from '../../domain/decimal.ts';

/** One counted item, worked out from its lines without the roll-up's code. */
export interface AuditedItem {
  session_id: string;
  item_code: string;
  at: Date;
  category: string;
  reason: string;
  book: Decimal | undefined;
  variance: Decimal | undefined;
  value: Decimal;
  priced: boolean;
}

/** Folds lines that come sorted by session and item into items, holding one item's lines at a time. */
export async function* itemsOfLines(lines: AsyncIterable<StoredLine>): AsyncGenerator<AuditedItem> {
  let pending: StoredLine[] = [];
  for await (const line of lines) {
    const first = pending[0];
    if (first && (first.session_id !== line.session_id || first.item_code !== line.item_code)) {
      yield fold(pending);
      pending = [];
    }
    if (isCounted(line)) pending.push(line);
  }
  if (pending.length > 0) yield fold(pending);
}

const isCounted = (line: StoredLine): boolean =>
  !line.voided_at && ![line.status, line.approval_status].some((mark) => /^rejected$/i.test(mark ?? ''));

function fold(lines: readonly StoredLine[]): AuditedItem {
  let quantity = ZERO;
  let latest = lines[0] as StoredLine;
  for (const line of lines) {
    quantity = add(quantity, decimal(line.counted_qty));
    if (isAfter(line, latest)) latest = line;
  }
  const book = latest.erp_qty === null ? undefined : decimal(latest.erp_qty);
  const price = latest.unit_value === null ? undefined : decimal(latest.unit_value);
  const variance = book && subtract(quantity, book);
  return {
    session_id: latest.session_id,
    item_code: latest.item_code,
    at: latest.counted_at,
    category: latest.category || 'Uncategorized',
    reason: latest.variance_reason || 'unspecified',
    book,
    variance,
    value: variance && price ? multiply(variance, price) : ZERO,
    priced: price !== undefined,
  };
}

function isAfter(a: StoredLine, b: StoredLine): boolean {
  if (+a.counted_at !== +b.counted_at) return a.counted_at > b.counted_at;
  if (+a.updated_at !== +b.updated_at) return a.updated_at > b.updated_at;
  return Buffer.compare(Buffer.from(a.location), Buffer.from(b.location)) > 0;
}
