// What a run came to, for people and as JSON.
import { type WatchedFigures, watchedFigures } from './check/watched-events.ts';
import type { FaultKind } from './faults/kinds.ts';
import { quantile, recoveries } from './faults/recovery.ts';
import { exitCodeOf, LETTERS, type Letter, type Violation } from './letters.ts';
import type { ChaosRun } from './run.ts';

export interface KindFigures {
  kind: FaultKind;
  faults: number;
  /** Faults of this kind that came alone and whose recovery could be told. */
  measured: number;
  p50_s: number;
  p95_s: number;
  max_s: number;
}

export interface ChaosReport {
  ops: number;
  seed: number;
  break?: string;
  exit_code: number;
  duration_s: number;
  operations: number;
  acknowledged: number;
  deliveries: number;
  verdicts: Record<string, number>;
  lost: number;
  doubled: number;
  unapplied_batches: number;
  people: Record<string, number>;
  late_requests_refused: number;
  faults: KindFigures[];
  /** Each fault, in seconds from the start of the work. */
  fault_list: { kind: string; at_s: number; healed_s: number; combined: boolean; recovery_s?: number }[];
  expiry_lateness_ms: { locks: number; p50: number; p99: number; max: number };
  watched: WatchedFigures;
  engine_processes_that_ended_by_themselves: number;
  violations: Violation[];
  surprises: string[];
}

export function reportOf(run: ChaosRun): ChaosReport {
  const { options, findings, journal, evidence, faults } = run;
  const batches = [...journal.batches.values()];
  const people: Record<string, number> = {};
  for (const { act, status } of journal.requests) {
    const key = `${act} ${status === 0 ? 'unanswered' : status}`;
    people[key] = (people[key] ?? 0) + 1;
  }
  const late = findings.expiryLatenessMs;
  return {
    ops: options.ops,
    seed: options.seed,
    ...(options.breaks ? { break: options.breaks } : {}),
    exit_code: exitCodeOf(findings.violations) || (isSurprising(run) ? 1 : 0),
    duration_s: (run.endedAt - run.startedAt) / 1000,
    operations: Object.values(findings.verdicts).reduce((sum, count) => sum + count, 0),
    acknowledged: findings.acknowledged,
    deliveries: batches.reduce((sum, { operations }) => sum + operations.length, 0),
    verdicts: findings.verdicts,
    lost: findings.lost,
    doubled: findings.doubled,
    unapplied_batches: run.unapplied,
    people,
    late_requests_refused: journal.requests.filter(({ isLate, status }) => isLate && status === 409).length,
    faults: figuresByKind(faults, recoveries(faults, evidence)),
    fault_list: faults.map((fault) => {
      const [recovery] = recoveries([fault], evidence);
      return {
        kind: fault.kind,
        at_s: (fault.at - run.startedAt) / 1000,
        healed_s: (fault.healedAt - run.startedAt) / 1000,
        combined: fault.isCombined,
        ...(recovery ? { recovery_s: recovery.ms / 1000 } : {}),
      };
    }),
    expiry_lateness_ms: {
      locks: late.length,
      p50: quantile(late, 0.5),
      p99: quantile(late, 0.99),
      max: late.length > 0 ? Math.max(...late) : Number.NaN,
    },
    watched: watchedFigures(run.watched, evidence),
    engine_processes_that_ended_by_themselves: run.ownEnds.length,
    violations: findings.violations,
    surprises: journal.surprises,
  };
}

/** Nothing was violated, and yet something happened that must not. */
const isSurprising = ({ journal, ownEnds }: ChaosRun): boolean =>
  journal.surprises.length > 0 || ownEnds.length > 0;

function figuresByKind(faults: ChaosRun['faults'], measured: ReturnType<typeof recoveries>): KindFigures[] {
  return [...Map.groupBy(faults, ({ kind }) => kind)].map(([kind, ofKind]) => {
    const seconds = measured.filter((recovery) => recovery.kind === kind).map(({ ms }) => ms / 1000);
    return {
      kind,
      faults: ofKind.length,
      measured: seconds.length,
      p50_s: quantile(seconds, 0.5),
      p95_s: quantile(seconds, 0.95),
      max_s: quantile(seconds, 1),
    };
  });
}

const SHOWN = 5;

/** The report as lines for a terminal. */
export function describeReport(report: ChaosReport): string[] {
  const { verdicts, people, expiry_lateness_ms: expiry, watched } = report;
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    '',
    `seed ${report.seed}: ${report.operations} operations, ${report.acknowledged} acknowledged, in ${report.deliveries} deliveries, ${report.duration_s.toFixed(0)} s`,
    `verdicts: ${list(verdicts)}`,
    `people: ${list(people)}`,
    `late requests of paused holders refused: ${report.late_requests_refused}`,
    `lost ${report.lost}, doubled ${report.doubled}, batches not applied ${report.unapplied_batches}`,
    `lock expiry: ${expiry.locks} measured, late by p50 ${expiry.p50} ms, p99 ${expiry.p99} ms, max ${expiry.max} ms`,
    `WebSocket: ${watched.events} events over ${watched.connections} connections, ${watched.incomplete_resumes} resumes said to be incomplete, ${watched.missing} missing`,
    '',
    'fault               times  measured  recovery p50    p95    max (s)',
    ...report.faults.map(
      ({ kind, faults, measured, p50_s, p95_s, max_s }) =>
        `${kind.padEnd(20)}${pad(faults, 5)}${pad(measured, 10)}${pad(p50_s.toFixed(1), 14)}${pad(p95_s.toFixed(1), 7)}${pad(max_s.toFixed(1), 7)}`,
    ),
    '',
    ...describeViolations(report.violations),
    ...(report.engine_processes_that_ended_by_themselves > 0
      ? [`${report.engine_processes_that_ended_by_themselves} engine processes ended by themselves.`]
      : []),
    ...(report.surprises.length > 0
      ? [`${report.surprises.length} unforeseen answers, such as: ${report.surprises[0]}`]
      : []),
  ];
}

const pad = (value: number | string, width: number): string => String(value).padStart(width);

function describeViolations(violations: readonly Violation[]): string[] {
  if (violations.length === 0) return ['No invariant was violated.'];
  const byLetter = Map.groupBy(violations, ({ letter }) => letter);
  return (Object.keys(LETTERS) as Letter[]).flatMap((letter) => {
    const found = byLetter.get(letter);
    if (!found) return [];
    const more = found.length > SHOWN ? [`    and ${found.length - SHOWN} more`] : [];
    return [
      `${letter} violated (${LETTERS[letter].about}):`,
      ...found.slice(0, SHOWN).map(({ what }) => `    ${what}`),
      ...more,
    ];
  });
}
