import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FaultKind } from '../../chaos/faults/kinds.ts';
import type { ChaosReport } from '../../chaos/report.ts';
import type { Figure, Proof } from '../proof.ts';

const SCRIPT = fileURLToPath(new URL('../../chaos.ts', import.meta.url));
const OPERATIONS = 20_000;

/** Recovery bounds by fault, in seconds (issue 3); other faults are told without one. */
const P95_BOUNDS_S: Readonly<Partial<Record<FaultKind, number>>> = { kill_worker: 20, redis_flush: 60 };

export const proof: Proof = {
  name: 'chaos',
  letters: ['S1', 'S4', 'L1', 'L6', 'E1'],
  about: `${OPERATIONS} operations under random faults: none lost, none applied twice`,
  run: async ({ seed, report }) => {
    const folder = mkdtempSync(join(tmpdir(), 'stock-verify-prove-'));
    const file = join(folder, 'chaos.json');
    try {
      const args = ['--ops', String(OPERATIONS), '--seed', String(seed), '--json', file];
      const exitCode = await runChaos(args, report);
      return chaosFigures(JSON.parse(readFileSync(file, 'utf8')) as ChaosReport, exitCode);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function runChaos(args: readonly string[], report: (line: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['inherit', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', report);
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** The figures of a run's report (`npm run chaos -- --json FILE`) and of its exit code. */
export function chaosFigures(report: ChaosReport, exitCode: number): Figure[] {
  const recovery = report.faults.flatMap(({ kind, measured, p95_s }): Figure[] => {
    const atMost = P95_BOUNDS_S[kind];
    // JSON has no NaN: without one measured recovery there is no time to tell.
    if (measured === 0) return atMost === undefined ? [] : [unmeasured(kind)];
    const bound = atMost === undefined ? {} : { atMost };
    return [{ name: `recovery p95 after ${kind}`, value: p95_s, unit: 's', ...bound }];
  });
  const missing = (Object.keys(P95_BOUNDS_S) as FaultKind[]).filter(
    (kind) => !report.faults.some((fault) => fault.kind === kind),
  );
  return [
    { name: 'operations', value: report.operations, unit: 'operations', atLeast: OPERATIONS },
    { name: 'lost', value: report.lost, unit: 'operations', atMost: 0 },
    { name: 'applied twice', value: report.doubled, unit: 'operations', atMost: 0 },
    { name: 'violations', value: report.violations.length, unit: '', atMost: 0 },
    { name: 'events missed by a watcher', value: report.watched.missing, unit: 'events', atMost: 0 },
    { name: 'exit code', value: exitCode, unit: '', atMost: 0 },
    ...recovery,
    ...missing.map(unmeasured),
  ];
}

/** A bound that nothing was held against is not kept. */
const unmeasured = (kind: FaultKind): Figure => ({
  name: `recoveries measured after ${kind}`,
  value: 0,
  unit: '',
  atLeast: 1,
});
