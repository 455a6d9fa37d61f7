import type { ClientSession, Decimal128, Document } from 'mongodb';
import { MAX_REASONS } from '../../domain/variance/formula.ts';
import { NO_GROUPS, type PeriodGroups } from '../../domain/variance/metrics.ts';
import type { Database } from '../database.ts';
import { countedItemStages, GROUPING_TIME_MS } from './counted-items.ts';
import { readDecimal } from './item-totals.ts';
import { findSessions } from './span-sessions.ts';

/**
 * The counted items whose time lies in [start, end), grouped by MongoDB in two stages: lines to items,
 * items to facets. What comes back grows with categories, reasons and sessions, never with lines.
 */
export async function loadPeriodGroups(
  database: Database,
  session: ClientSession,
  period: { start: Date; end: Date; tolerancePercent: number },
): Promise<PeriodGroups> {
  const { start, end } = period;
  const { inside, straddling } = await findSessions(database, { start, end }, session);
  if (inside.length === 0) return NO_GROUPS;
  const stages = countedItemStages({ kind: 'span', start, end, straddling }, period.tolerancePercent);
  const [row] = await database.lines
    .aggregate<FacetRow>([...stages, { $facet: FACETS }], {
      session,
      maxTimeMS: GROUPING_TIME_MS,
      allowDiskUse: true,
    })
    .toArray();
  if (!row) return NO_GROUPS;
  return {
    categories: row.categories.map(({ _id, net, absolute, ...counts }) => ({
      ...counts,
      category: _id,
      net: readDecimal(net),
      absolute: readDecimal(absolute),
    })),
    reasons: row.reasons.map(({ _id, count }) => ({ reason: _id, count })),
    distinct_items: row.items[0]?.count ?? 0,
    session_ids: row.sessions.map(({ _id }) => _id),
  };
}

const FACETS: Record<string, Document[]> = {
  categories: [
    {
      $group: {
        _id: '$category',
        counted: { $sum: '$counted' },
        varies: { $sum: '$varies' },
        unpriced: { $sum: '$unpriced' },
        within: { $sum: '$within' },
        without_book: { $sum: { $subtract: [1, '$counted'] } },
        net: { $sum: '$value' },
        absolute: { $sum: { $abs: '$value' } },
      },
    },
  ],
  reasons: [
    { $match: { varies: 1 } },
    { $group: { _id: '$reason', count: { $sum: 1 } } },
    { $sort: { count: -1, _id: 1 } },
    { $limit: MAX_REASONS },
  ],
  items: [{ $group: { _id: '$item' } }, { $count: 'count' }],
  sessions: [{ $group: { _id: '$session' } }],
};

interface FacetRow {
  categories: {
    _id: string;
    counted: number;
    varies: number;
    unpriced: number;
    within: number;
    without_book: number;
    net: Decimal128;
    absolute: Decimal128;
  }[];
  reasons: { _id: string; count: number }[];
  items: { count: number }[];
  sessions: { _id: string }[];
}
