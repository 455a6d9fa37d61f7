import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Figure, Proof } from '../proof.ts';

const SCRIPT = fileURLToPath(new URL('../../chaos.ts', import.meta.url));
const OPERATIONS = 20_000;

/** What `npm run chaos -- --json FILE` writes, as far as figures are taken from it. */
const reportSchema = z.object({
  ops: z.number(),
  violations: z.array(z.object({ letter: z.string(), message: z.string() })),
  lost: z.number(),
  doubled: z.number(),
  recovery: z.record(z.string(), z.object({ count: z.number(), p95Ms: z.number(), maxMs: z.number() })),
});

/** Recovery bounds by fault, in seconds (issue 3); other faults are told without one. */
const P95_BOUNDS: Readonly<Record<string, number>> = { 'kill-worker': 20, flushall: 60 };

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
      return figuresOf(reportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))), exitCode);
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

function figuresOf(chaos: z.infer<typeof reportSchema>, exitCode: number): Figure[] {
  const recovery = Object.entries(chaos.recovery).map(([fault, { p95Ms }]) => {
    const atMost = P95_BOUNDS[fault];
    return {
      name: `recovery p95 after ${fault}`,
      value: p95Ms / 1000,
      unit: 's',
      ...(atMost === undefined ? {} : { atMost }),
    };
  });
  return [
    { name: 'operations', value: chaos.ops, unit: 'operations', atLeast: OPERATIONS },
    { name: 'lost', value: chaos.lost, unit: 'operations', atMost: 0 },
    { name: 'applied twice', value: chaos.doubled, unit: 'operations', atMost: 0 },
    { name: 'violations', value: chaos.violations.length, unit: '', atMost: 0 },
    { name: 'exit code', value: exitCode, unit: '', atMost: 0 },
    ...recovery,
  ];
}
