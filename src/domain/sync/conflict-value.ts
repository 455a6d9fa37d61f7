import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { ConflictValue } from '../../contract/schemas/sync-conflict.ts';

/** A line as one side of a conflict. */
export const conflictValueOf = (line: CountLine | null | undefined): ConflictValue | null =>
  line
    ? {
        counted_qty: line.counted_qty,
        variance_reason: line.variance_reason,
        note: line.note,
        erp_qty: line.erp_qty,
        counted_by: line.counted_by,
        counted_at: line.counted_at,
        version: line.version,
      }
    : null;
