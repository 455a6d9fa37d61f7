/**
 * Grows when the same lines would give other figures: documents of another version are stale. A change of
 * rules.md, "Periods and numbers", is a change of this number.
 */
export const FORMULA_VERSION = 1;

export const UNCATEGORIZED = 'Uncategorized';
export const UNSPECIFIED_REASON = 'unspecified';
export const OTHER_REASONS = 'other';

/** So many reasons have a count of their own, the rest share `other`. */
export const MAX_REASONS = 200;
