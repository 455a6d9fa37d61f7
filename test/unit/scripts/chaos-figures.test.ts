import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../../scripts/chaos/faults/kinds.ts';
import type { ChaosReport, KindFigures } from '../../../scripts/chaos/report.ts';
import { chaosFigures, recoveryFigure } from '../../../scripts/prove/proofs/chaos.ts';
import { isKept } from '../../../scripts/prove/run-proofs.ts';

const recovery = (kind: FaultKind, measured: number, p95_s: number): KindFigures => ({
  kind,
  faults: 3,
  measured,
  p50_s: p95_s,
  p95_s,
  max_s: p95_s,
});

/** As it is read from the file: what was not measured is null there. */
const report = (change: Partial<ChaosReport>): ChaosReport =>
  JSON.parse(
    JSON.stringify({
      operations: 20_000,
      lost: 0,
      doubled: 0,
      violations: [],
      watched: { connections: 1, events: 1, incomplete_resumes: 0, missing: 0 },
      faults: [recovery('kill_worker', 3, 12), recovery('redis_flush', 3, 30), recovery('cut_mongo', 3, 90)],
      ...change,
    }),
  );

const brokenBounds = (change: Partial<ChaosReport>, exitCode = 0): string[] =>
  chaosFigures(report(change), exitCode)
    .filter((figure) => !isKept(figure))
    .map(({ name }) => name);

describe('the proof "chaos" over a report', () => {
  it('holds without loss', () => {
    expect(brokenBounds({})).toEqual([]);
  });

  it.each<[string, Partial<ChaosReport>, number, string[]]>([
    ['a lost operation', { lost: 1 }, 11, ['lost', 'exit code']],
    ['one applied twice', { doubled: 1 }, 11, ['applied twice', 'exit code']],
    ['fewer operations', { operations: 19_999 }, 0, ['operations']],
  ])('does not hold with %s', (_, change, exitCode, broken) => {
    expect(brokenBounds(change, exitCode)).toEqual(broken);
  });
});

describe('a recovery in a run of one fault', () => {
  it.each<[string, KindFigures[], boolean]>([
    ['within its bound', [recovery('kill_worker', 3, 20)], true],
    ['over its bound', [recovery('kill_worker', 3, 21)], false],
    ['that nobody measured', [recovery('kill_worker', 0, Number.NaN)], false],
    ['of a fault that never struck', [recovery('redis_flush', 3, 1)], false],
  ])('%s', (_, faults, kept) => {
    expect(isKept(recoveryFigure(report({ faults }), { kind: 'kill_worker', p95_s: 20 }))).toBe(kept);
  });
});
