// The checker: compares what the devices sent and were told with what the collections hold. It shares no code
// with the engine; test/unit/chaos holds that.
import type { Journal } from '../journal.ts';
import type { Violation } from '../letters.ts';
import { checkAcknowledged, checkDeadLetters } from './acknowledged.ts';
import { checkAppliedOnce } from './applied-once.ts';
import { checkConflicts } from './conflicts-kept.ts';
import { type Case, storiesOf } from './deliveries.ts';
import { checkDeviceOrder } from './device-order.ts';
import type { Evidence } from './evidence.ts';
import { checkFences } from './fences.ts';
import { checkFirstVerdict, checkStates } from './first-verdict.ts';
import { checkLocks, expiryLateness } from './lock-lives.ts';

export interface Findings {
  violations: Violation[];
  lost: number;
  doubled: number;
  /** Operations by their first lasting verdict; `retry` for those that have none. */
  verdicts: Record<string, number>;
  acknowledged: number;
  expiryLatenessMs: number[];
}

export function check(journal: Journal, evidence: Evidence, disturbed: Case['disturbed'] = []): Findings {
  const stories = storiesOf(journal, evidence);
  const given: Case = { journal, evidence, stories, disturbed };
  const applied = checkAppliedOnce(given);
  const verdicts: Record<string, number> = {};
  for (const { lasting } of stories.values()) {
    const verdict = lasting[0]?.result.verdict ?? 'retry';
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  }
  return {
    violations: [
      ...applied.violations,
      ...checkFirstVerdict(given),
      ...checkDeviceOrder(given),
      ...checkStates(given),
      ...checkConflicts(given),
      ...checkLocks(given),
      ...checkFences(given),
      ...checkAcknowledged(given),
      ...checkDeadLetters(given),
    ],
    lost: applied.lost.size,
    doubled: applied.doubled.size,
    verdicts,
    acknowledged: [...stories.values()].filter(({ isAcknowledged }) => isAcknowledged).length,
    expiryLatenessMs: expiryLateness(given),
  };
}
