import type { Database } from '../db/database.ts';
import { inTransaction } from '../db/transaction.ts';
import { settleMarks } from '../db/variance/dirty-marks.ts';
import { loadDocuments, removeDocument, replaceDocument } from '../db/variance/documents.ts';
import { loadPeriodGroups } from '../db/variance/period-groups.ts';
import { readGuard, writeGuards } from '../db/variance/period-guards.ts';
import { decidePeriod, type PeriodOutcome, type RunContext } from '../domain/variance/decide-period.ts';
import { nextPeriod, type Period, previousPeriod } from '../domain/variance/periods.ts';

export interface PeriodRun extends RunContext {
  tolerancePercent: number;
  /** A period that this backfill has recomputed before is skipped. */
  backfillRun?: string | undefined;
}

/** `replaced`: documents written, the next period's included. */
export interface PeriodResult {
  outcome: PeriodOutcome | 'skipped';
  replaced: number;
}

/**
 * Recomputes one period from the lines, with everything that hangs on it, in one transaction: its document
 * (replaced whole, generation + 1, only when it says something else), the delta of the following one, the
 * dirty marks it used. Readers see all of it or nothing, and a kill leaves nothing half done. The guards
 * of the period and the following one must exist.
 */
export function recomputePeriod(database: Database, period: Period, run: PeriodRun): Promise<PeriodResult> {
  const { type, start } = period;
  const previous = previousPeriod(period, run.timezone);
  const next = nextPeriod(period, run.timezone);
  return inTransaction(database, async (session) => {
    if (run.backfillRun !== undefined) {
      const doneBy = await readGuard(database, session, period);
      if (doneBy === run.backfillRun) return { outcome: 'skipped', replaced: 0 };
    }
    const starts = [previous.start, start, next.start];
    const [before, stored, after] = await loadDocuments(database, session, { type, starts });
    const groups = await loadPeriodGroups(database, session, { ...period, ...run });
    const decision = decidePeriod(period, { groups, previous: before, stored, next: after }, run);
    // Always, and before anything else is written: of two recomputations that overlap, one starts again here
    // and sees what the other did.
    await writeGuards(database, session, { period, next, backfillRun: run.backfillRun });
    for (const document of decision.replace) await replaceDocument(database, session, document);
    if (decision.outcome === 'removed') await removeDocument(database, session, period);
    await settleMarks(database, session, { ...period, timezone: run.timezone });
    return { outcome: decision.outcome, replaced: decision.replace.length };
  });
}
