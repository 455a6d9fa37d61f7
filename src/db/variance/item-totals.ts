import type { ClientSession, Decimal128, Document } from 'mongodb';
import { type Decimal, parseDecimal } from '../../domain/decimal.ts';
import type { Database } from '../database.ts';
import { countedItemStages, GROUPING_TIME_MS, type ItemSelection } from './counted-items.ts';
import { findSessions } from './span-sessions.ts';

export interface ItemTotals {
  counted: number;
  varies: number;
  value: Decimal;
  positive: { count: number; value: Decimal };
  negative: { count: number; value: Decimal };
}

export interface TotalsQuery {
  /** Items whose time lies in [start, end); required without a session. */
  span?: { start: Date; end: Date } | undefined;
  session_id?: string | undefined;
  /** `Uncategorized` finds the items without a category. */
  category?: string | undefined;
}

/** Totals over the counted items that a query selects, computed from the lines. */
export async function summarizeItems(database: Database, query: TotalsQuery): Promise<ItemTotals> {
  const { span, session_id, category } = query;
  if (session_id !== undefined) {
    return loadTotals(database, { kind: 'session', session_id, ...span }, { category });
  }
  if (!span) throw new RangeError('a span or a session is needed');
  const { straddling } = await findSessions(database, span);
  return loadTotals(database, { kind: 'span', ...span, straddling }, { category });
}

/** Totals over the selected counted items; inside a transaction when `session` is given. */
export async function loadTotals(
  database: Database,
  selection: ItemSelection,
  filter: Pick<TotalsQuery, 'category'>,
  session?: ClientSession,
): Promise<ItemTotals> {
  const [row] = await database.lines
    .aggregate<TotalsRow>(
      [
        ...countedItemStages(selection, 0),
        ...(filter.category === undefined ? [] : [{ $match: { category: filter.category } }]),
        { $group: TOTALS },
      ],
      {
        maxTimeMS: GROUPING_TIME_MS,
        ...(session ? { session } : {}),
      },
    )
    .toArray();
  return readTotals(row);
}

const sumWhere = (direction: 1 | -1, summand: unknown): Document => ({
  $sum: { $cond: [{ $eq: ['$direction', direction] }, summand, { $toDecimal: '0' }] },
});

const TOTALS: Document = {
  _id: null,
  counted: { $sum: '$counted' },
  varies: { $sum: '$varies' },
  value: { $sum: '$value' },
  positive_count: { $sum: { $cond: [{ $eq: ['$direction', 1] }, 1, 0] } },
  positive_value: sumWhere(1, '$value'),
  negative_count: { $sum: { $cond: [{ $eq: ['$direction', -1] }, 1, 0] } },
  negative_value: sumWhere(-1, '$value'),
};

interface TotalsRow {
  counted: number;
  varies: number;
  value: Decimal128;
  positive_count: number;
  positive_value: Decimal128;
  negative_count: number;
  negative_value: Decimal128;
}

function readTotals(row: TotalsRow | undefined): ItemTotals {
  return {
    counted: row?.counted ?? 0,
    varies: row?.varies ?? 0,
    value: readDecimal(row?.value),
    positive: { count: row?.positive_count ?? 0, value: readDecimal(row?.positive_value) },
    negative: { count: row?.negative_count ?? 0, value: readDecimal(row?.negative_value) },
  };
}

/** A decimal that MongoDB summed; its sum of nothing is the integer 0. */
export const readDecimal = (value: Decimal128 | number | undefined): Decimal =>
  parseDecimal(String(value ?? 0));
