import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const runScript = (script: string, args: readonly string[]) => {
  const path = fileURLToPath(new URL(`../../../scripts/${script}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

const run = (...args: string[]) => runScript('services.ts', args);

describe('scripts', () => {
  it('print their usage for --help and exit 0', () => {
    const { status, stdout, stderr } = run('--help');
    expect(stdout).toMatch(/^npm run services -- up/);
    expect([status, stderr]).toEqual([0, '']);
  });

  it.each([
    ['an unknown flag', ['--now'], /unknown option '--now'.*known flags: --help/i],
    ['an unknown verb', ['sideways'], /expected up, down or env, got 'sideways'/],
    ['a missing verb', [], /got nothing/],
    ['a surplus argument', ['env', 'more'], /unexpected argument 'more'/],
  ])('answer %s with one line and exit 2', (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });
});

describe('each script', () => {
  it.each([
    ['test.ts', /^npm test /],
    ['bootstrap.mjs', /^node scripts\/bootstrap\.mjs /],
    ['doctor.ts', /npm run doctor/],
    ['audit.ts', /npm run audit/],
    ['backfill.ts', /npm run backfill/],
    ['migrate.ts', /npm run migrate/],
    ['ledger.ts', /npm run ledger/],
    ['dead-letters.ts', /npm run dead-letters/],
  ])('%s answers --help, and an unknown flag with one line and exit 2', (script, usage) => {
    const help = runScript(script, ['--help']);
    expect(help.stdout).toMatch(usage);
    expect([help.status, help.stderr]).toEqual([0, '']);
    const { status, stdout, stderr } = runScript(script, ['--bogus']);
    expect(stderr).toMatch(/^npm [\w -]+: Unknown option '--bogus'.*known flags: .*--help\n$/);
    expect([status, stdout]).toEqual([2, '']);
  });

  it.each([
    ['a path after --no-tests', 'test.ts', ['--no-tests', 'test/unit'], /got 'test\/unit'/],
    ['-t without a name', 'test.ts', ['-t'], /argument missing/],
    ['a value that looks like a flag', 'backfill.ts', ['--from', '--to'], /argument is ambiguous/],
    ['a day that is none', 'ledger.ts', ['archive', '--before', '2024-02-30'], /not '2024-02-30'/],
    ['no day to archive before', 'ledger.ts', ['archive'], /archive needs --before/],
    ['an unknown verb of the ledger', 'ledger.ts', ['delete'], /expected stats or archive, got 'delete'/],
    ['a redrive of nothing', 'dead-letters.ts', ['redrive'], /redrive takes one id or more/],
    ['501 letters', 'dead-letters.ts', ['list', '--limit', '501'], /from 1 to 500/],
    ['no verb', 'dead-letters.ts', [], /expected list, show, redrive or drop, got nothing/],
    ['a script that is not there', 'bootstrap.mjs', ['scripts/none.ts'], /no script 'scripts\/none\.ts'/],
  ])('answers %s with one line and exit 2', (_, script, args, message) => {
    const { status, stdout, stderr } = runScript(script, args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });
});
