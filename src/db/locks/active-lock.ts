import type { Document } from 'mongodb';
import { MAX_LOCK_MS } from '../../domain/locks/lock-rules.ts';

const isDate = (field: string): Document => ({ $eq: [{ $type: field }, 'date'] });

/** The latest end that a row's beginning allows; one without a beginning is cut by the sweep. */
const LATEST_END: Document = {
  $add: [{ $cond: [isDate('$locked_at'), '$locked_at', '$$NOW'] }, MAX_LOCK_MS],
};

/**
 * Whether a row of `item_locks` is an active lock, as an expression: its end lies ahead by MongoDB's clock,
 * and so does the latest end that its beginning allows, whoever wrote the row (invariants L2, L3). An end
 * that is no date is none: MongoDB compares other types with dates by their kind alone.
 */
export const IS_ACTIVE: Document = {
  $and: [isDate('$expires_at'), { $gt: ['$expires_at', '$$NOW'] }, { $gt: [LATEST_END, '$$NOW'] }],
};
