import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const services = fileURLToPath(new URL('../../../scripts/services.ts', import.meta.url));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [services, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

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
