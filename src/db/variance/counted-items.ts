import type { Document } from 'mongodb';
import { UNCATEGORIZED, UNSPECIFIED_REASON } from '../../domain/variance/formula.ts';

/**
 * Which counted items to group: by the item's own time, or all items of one session. Items are always
 * whole: all their lines, also those that lie outside the span.
 */
export type ItemSelection =
  | {
      kind: 'span';
      start: Date;
      /** Exclusive. */
      end: Date;
      /** Sessions of the span that have lines outside it, too; only these need more than the span's lines. */
      straddling: readonly string[];
    }
  | { kind: 'session'; session_id: string; start?: Date | undefined; end?: Date | undefined };

/** A grouping ends in this time, or the command gives up: some millions of lines. */
export const GROUPING_TIME_MS = 50_000;

/**
 * Lines that count: neither voided nor marked rejected by the deployed app. Rows without a version are the
 * deployed app's own.
 */
export const COUNTING_LINES: Document = {
  version: { $exists: true },
  voided_at: null,
  status: { $not: /^rejected$/i },
  approval_status: { $not: /^rejected$/i },
};

const decimalOf = (expression: unknown): Document => ({ $toDecimal: expression });
const ZERO = decimalOf('0');
const named = (text: string, otherwise: string): Document => ({
  $cond: [{ $in: [{ $ifNull: [text, ''] }, ['']] }, otherwise, text],
});

/**
 * Stages from lines to one row per counted item: `{ session, item, category, reason, counted, varies,
 * unpriced, within, value, direction }`. The flags are 0 or 1, `direction` is the sign of the variance. Sums are decimals of
 * the 15 digits that `$toDecimal` reads of a double, so their order does not matter; nothing is rounded
 * here, because `$round` rounds half to even.
 */
export function countedItemStages(selection: ItemSelection, tolerancePercent: number): Document[] {
  return [
    { $match: { ...COUNTING_LINES, ...linesOf(selection) } },
    {
      $group: {
        _id: { session: '$session_id', item: '$item_code' },
        quantity: { $sum: decimalOf('$counted_qty') },
        // The greatest of these is the latest line: documents compare field by field, in this order.
        latest: {
          $max: {
            counted_at: '$counted_at',
            updated_at: '$updated_at',
            location: '$location',
            book: '$erp_qty',
            unit_value: '$unit_value',
            category: '$category',
            reason: '$variance_reason',
          },
        },
      },
    },
    ...(selection.start && selection.end
      ? [{ $match: { 'latest.counted_at': { $gte: selection.start, $lt: selection.end } } }]
      : []),
    {
      $project: {
        category: named('$latest.category', UNCATEGORIZED),
        reason: named('$latest.reason', UNSPECIFIED_REASON),
        unit_value: { $ifNull: ['$latest.unit_value', null] },
        book: decimalOf('$latest.book'),
        variance: { $subtract: ['$quantity', decimalOf('$latest.book')] },
      },
    },
    { $project: itemRow(tolerancePercent) },
  ];
}

function linesOf(selection: ItemSelection): Document {
  if (selection.kind === 'session') return { session_id: selection.session_id };
  const inside = { counted_at: { $gte: selection.start, $lt: selection.end } };
  if (selection.straddling.length === 0) return inside;
  return {
    $or: [
      { ...inside, session_id: { $nin: selection.straddling } },
      { session_id: { $in: selection.straddling } },
    ],
  };
}

// Without a book, `book` and `variance` are null.
function itemRow(tolerancePercent: number): Document {
  const counted = { $ne: ['$book', null] };
  const varies = { $and: [counted, { $ne: ['$variance', ZERO] }] };
  const unpriced = { $eq: ['$unit_value', null] };
  const tolerated = { $multiply: [{ $abs: '$book' }, decimalOf(tolerancePercent)] };
  const within = { $lte: [{ $multiply: [{ $abs: '$variance' }, decimalOf(100)] }, tolerated] };
  const flag = (condition: unknown): Document => ({ $cond: [condition, 1, 0] });
  return {
    _id: 0,
    session: '$_id.session',
    item: '$_id.item',
    category: 1,
    reason: 1,
    counted: flag(counted),
    varies: flag(varies),
    unpriced: flag({ $and: [counted, unpriced] }),
    within: flag({ $and: [counted, within] }),
    value: {
      $cond: [
        { $or: [{ $not: [counted] }, unpriced] },
        ZERO,
        { $multiply: ['$variance', decimalOf('$unit_value')] },
      ],
    },
    direction: { $cond: [varies, { $cond: [{ $gt: ['$variance', ZERO] }, 1, -1] }, 0] },
  };
}
