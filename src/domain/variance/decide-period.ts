import type { VarianceAnalytics } from '../../contract/schemas/variance-analytics.ts';
import { delta, documentContent, saysTheSame } from './document.ts';
import { countOfItems, finalise, type PeriodGroups } from './metrics.ts';
import type { Period } from './periods.ts';
import { mustExist } from './plan.ts';

/** What one transaction saw of a period and its neighbours; documents of another zone may be among them. */
export interface PeriodSnapshot {
  groups: PeriodGroups;
  previous: VarianceAnalytics | undefined;
  stored: VarianceAnalytics | undefined;
  next: VarianceAnalytics | undefined;
}

export interface RunContext {
  timezone: string;
  now: Date;
  firstCounted: Date | undefined;
  /** Stands in `generated_by`: `system`, or the person who asked. */
  generatedBy: string;
}

export type PeriodOutcome = 'written' | 'unchanged' | 'removed' | 'absent';

export interface PeriodDecision {
  outcome: PeriodOutcome;
  /** Whole documents to put in the place of those of the same period: this one's, the next one's. */
  replace: VarianceAnalytics[];
}

/**
 * What a period's document must say and, following from it, the delta of the next one. An equal document
 * is not replaced; one that must not exist is removed.
 */
export function decidePeriod(period: Period, snapshot: PeriodSnapshot, run: RunContext): PeriodDecision {
  const { stored } = snapshot;
  const inZone = (document: VarianceAnalytics | undefined) =>
    document?.timezone === run.timezone ? document : undefined;
  const figures = finalise(snapshot.groups);
  const exists = mustExist(period, { ...run, itemCount: countOfItems(figures) });
  const content = exists
    ? documentContent(period, figures, { ...run, previous: inZone(snapshot.previous) })
    : undefined;
  const replace: VarianceAnalytics[] = [];
  const unchanged = content !== undefined && stored !== undefined && saysTheSame(stored, content);
  if (content && !unchanged) replace.push({ ...content, ...provenance(stored, run) });

  const next = inZone(snapshot.next);
  if (next) {
    const compared = { ...next, ...delta(next, content) };
    if (!saysTheSame(next, compared)) replace.push({ ...compared, ...provenance(next, run) });
  }
  if (content) return { outcome: unchanged ? 'unchanged' : 'written', replace };
  return { outcome: stored ? 'removed' : 'absent', replace };
}

const provenance = (stored: VarianceAnalytics | undefined, { now, generatedBy }: RunContext) => ({
  generation: (stored?.generation ?? 0) + 1,
  generated_at: now,
  generated_by: generatedBy,
});
