// npm run chaos at a small size, and its negative controls: a run that finds nothing is worth something only
// when it finds what was broken on purpose.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LETTERS } from '../../../scripts/chaos/letters.ts';
import type { ChaosReport } from '../../../scripts/chaos/report.ts';

const SCRIPT = fileURLToPath(new URL('../../../scripts/chaos.ts', import.meta.url));

async function chaos(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, output };
}

async function run(...args: string[]): Promise<{ code: number | null; report: ChaosReport; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'stock-verify-chaos-test-'));
  const file = join(folder, 'report.json');
  try {
    const ended = await chaos(...args, '--json', file);
    return { ...ended, report: JSON.parse(readFileSync(file, 'utf8')) as ChaosReport };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('npm run chaos', () => {
  it('finds nothing lost and nothing doubled after kills of processes and servers', async () => {
    const { code, report, output } = await run(
      '--ops',
      '400',
      '--seed',
      '3',
      '--faults',
      'kill_worker,kill_api',
    );
    expect(report.violations, output).toEqual([]);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unapplied_batches: 0, surprises: [] });
    expect(report.acknowledged).toBe(report.operations);
    expect(report.faults.length).toBeGreaterThan(0);
    expect(code).toBe(0);
  }, 120_000);

  it('finds that the ledger is gone: operations are applied twice', async () => {
    const { code, report } = await run(
      '--ops',
      '400',
      '--seed',
      '1',
      '--faults',
      'none',
      '--break',
      'ledger',
    );
    expect(code).toBe(LETTERS.S1.code);
    expect(report.doubled).toBeGreaterThan(0);
  }, 120_000);

  it('finds that fences are not checked: a paused holder acts on', async () => {
    const { code, report } = await run('--ops', '300', '--seed', '1', '--faults', 'none', '--break', 'fence');
    expect(code).toBe(LETTERS.L5.code);
    expect(report).toMatchObject({ lost: 0, doubled: 0 });
  }, 120_000);

  it.each([['--ops=few'], ['--faults=all,none'], ['--unknown']])(
    'refuses %s with exit code 2',
    async (flag) => {
      const { code, output } = await chaos(flag);
      expect(code).toBe(2);
      expect(output.trim().split('\n')).toHaveLength(1);
    },
  );

  it('explains itself and its exit codes', async () => {
    const { code, output } = await chaos('--help');
    expect(code).toBe(0);
    for (const [letter, { code: exitCode }] of Object.entries(LETTERS))
      expect(output).toContain(`${exitCode}  ${letter}`);
  });
});
