// npm test: format and lint, types, then every test; the last line is the count. npm run check: without tests.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript, UsageError } from './cli.ts';
import { type Counts, countLine, sumOf } from './test/counts.ts';
import { runVitest } from './test/vitest.ts';

const root = join(fileURLToPath(new URL('.', import.meta.url)), '..');
const bin = (name: string) => join(root, 'node_modules', '.bin', name);

const usage = `
npm test [-- ARGUMENT ...]    format check, lint, type check, then all tests on MongoDB and Redis that it brings up
npm run check                 the same without the tests

Paths and -t, a part of the tests' names, go to vitest: npm test -- test/unit/scripts -t "print their usage"
The last line is "N passed, N failed"; a failed check counts as one failure.
`;

await runScript({
  name: 'npm test --',
  usage,
  options: {
    'no-tests': { type: 'boolean', default: false },
    testNamePattern: { type: 'string', short: 't' },
  },
  maxPositionals: Number.POSITIVE_INFINITY,
  run: async ({ 'no-tests': checksOnly, testNamePattern }, paths) => {
    const passedOn = [...(testNamePattern === undefined ? [] : ['-t', testNamePattern]), ...paths];
    if (checksOnly && passedOn.length > 0) {
      throw new UsageError(`--no-tests takes no further arguments, got '${passedOn[0]}'`);
    }
    const counts = [...(await runChecks()), ...(checksOnly ? [] : [await runVitest(root, passedOn)])];
    const total = sumOf(counts);
    console.log(`\n${countLine(total)}`);
    return total.failed > 0 ? 1 : 0;
  },
});

async function runChecks(): Promise<Counts[]> {
  const checks: [string, string, string[]][] = [
    // Without the flag biome writes colours into a file or a pipe as well.
    ['format and lint', bin('biome'), ['ci', '.', ...(process.stdout.isTTY ? [] : ['--colors=off'])]],
    ['types', bin('tsc'), ['--noEmit']],
  ];
  // The device code ships to phones: it must compile without Node's types.
  if (existsSync(join(root, 'src', 'device'))) {
    checks.push(['types of the device code', bin('tsc'), ['-p', 'tsconfig.device.json', '--noEmit']]);
  }
  const results: Counts[] = [];
  for (const [name, command, args] of checks) {
    const startedAt = performance.now();
    const hasPassed = await succeeds(command, args);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${hasPassed ? 'ok    ' : 'FAILED'}  ${name}  (${seconds} s)`);
    results.push({ passed: hasPassed ? 1 : 0, failed: hasPassed ? 0 : 1, skipped: 0 });
  }
  return results;
}

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
