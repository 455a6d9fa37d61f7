// Runs vitest as a process of its own and reads its counts from the JSON report.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Counts } from './counts.ts';

const reportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(
        z.object({ meta: z.object({ figures: z.record(z.string(), z.number()).optional() }).optional() }),
      ),
    }),
  ),
});

export interface VitestRun extends Counts {
  /** What its tests told of themselves (test/support/figures.ts), figures of the same name added up. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface VitestOptions {
  /** Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Gets each line that it prints. Default: all goes to the terminal. */
  readonly onLine?: (line: string) => void;
}

/** The counts of one run of vitest with these arguments. */
export async function runVitest(
  root: string,
  args: readonly string[],
  options: VitestOptions = {},
): Promise<VitestRun> {
  const folder = mkdtempSync(join(tmpdir(), 'stock-verify-test-'));
  const reportFile = join(folder, 'report.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
    const exitCode = await run(root, [vitest, 'run', ...reporters, ...args], options);
    return readReport(reportFile, exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(
  cwd: string,
  args: readonly string[],
  { env = process.env, onLine }: VitestOptions,
): Promise<number> {
  return new Promise((resolve) => {
    const output = onLine ? 'pipe' : 'inherit';
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['inherit', output, output] });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream && onLine) createInterface({ input: stream }).on('line', onLine);
    }
    // A plain kill of this process must stop the run, and with it the servers that it brought up.
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    // Ctrl-C reaches vitest by itself; a second one would cut its clean-up short.
    const ignore = () => {};
    process.on('SIGTERM', passOn).on('SIGHUP', passOn).on('SIGINT', ignore);
    child.on('error', () => resolve(1));
    child.on('close', (code) => {
      process.off('SIGTERM', passOn).off('SIGHUP', passOn).off('SIGINT', ignore);
      resolve(code ?? 1);
    });
  });
}

function readReport(reportFile: string, exitCode: number): VitestRun {
  let report: z.infer<typeof reportSchema>;
  try {
    report = reportSchema.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  } catch {
    // No report: vitest did not get as far as a test (a wrong flag, services that did not start).
    return { passed: 0, failed: 1, skipped: 0, figures: {} };
  }
  // A file that could not be loaded has no tests in the report, and would otherwise count as nothing.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    // Failures outside of tests (an unhandled rejection, a hook) show in the exit code only.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    figures: figuresOf(report),
  };
}

function figuresOf({ testResults }: z.infer<typeof reportSchema>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { meta } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    for (const [name, value] of Object.entries(meta?.figures ?? {})) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}
