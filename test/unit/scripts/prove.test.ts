import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { figureTable } from '../../../scripts/prove/figure-table.ts';
import { findProofs } from '../../../scripts/prove/find-proofs.ts';
import type { Figure, Proof, ProofContext } from '../../../scripts/prove/proof.ts';
import { exitCodeOf, holds, isKept, type ProofResult, runProofs } from '../../../scripts/prove/run-proofs.ts';

const scripts = fileURLToPath(new URL('../../../scripts/', import.meta.url));

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${scripts}prove.ts`, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

const plain = { good: (text: string) => text, bad: (text: string) => text };
const figure = (value: number, bound: Partial<Figure> = {}): Figure => ({
  name: 'n',
  value,
  unit: '',
  ...bound,
});
const result = (name: string, figures: Figure[], error?: string): ProofResult => ({
  name,
  letters: ['S1'],
  seconds: 1,
  figures,
  ...(error === undefined ? {} : { error }),
});

describe('npm run prove', () => {
  it('prints its usage for --help and exits 0', () => {
    const { status, stdout, stderr } = run('--help');
    expect(stdout).toMatch(/^npm run prove \[-- NAME/);
    expect([status, stderr]).toEqual([0, '']);
  });

  it.each([
    ['an unknown flag', ['--now'], /unknown option '--now'.*known flags: --list, --seed, --json, --help/i],
    ['an unknown proof', ['luck'], /no proof 'luck'; there are .*chaos.*fuzz.*model/],
    ['an unknown proof beside a known one', ['model', 'luck'], /no proof 'luck'/],
    ['a seed that is no number', ['--seed', 'x'], /--seed takes a whole number .* got 'x'/],
    ['a seed without a value', ['--seed'], /argument missing/],
  ])('answers %s with one line and exit 2', (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('lists each file of proofs/ once, with its invariants', async () => {
    const { status, stdout } = run('--list');
    const files = readdirSync(`${scripts}prove/proofs`).map((file) => file.replace('.ts', ''));
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(files.toSorted());
    for (const { letters } of await findProofs()) expect(letters.join()).toMatch(/^([SLARDE]\d,?)+$/);
    expect(status).toBe(0);
  });
});

describe('a bound', () => {
  it.each([
    [figure(5), true],
    [figure(5, { atMost: 5 }), true],
    [figure(5.01, { atMost: 5 }), false],
    [figure(5, { atLeast: 5 }), true],
    [figure(4.99, { atLeast: 5 }), false],
    [figure(3, { atLeast: 2, atMost: 4 }), true],
    [figure(Number.NaN, { atMost: 5 }), false],
    [figure(Number.NaN), false],
  ])('of %j is kept: %s', (one, kept) => {
    expect(isKept(one)).toBe(kept);
    expect(holds(result('one', [figure(1), one]))).toBe(kept);
  });

  it('that is not kept makes the exit code 1', () => {
    expect(exitCodeOf([result('one', [figure(1)]), result('two', [figure(2, { atMost: 1 })])])).toBe(1);
  });

  it('is not kept where there is no figure at all', () => expect(holds(result('one', []))).toBe(false));
});

describe('a run of proofs', () => {
  const proofOf = (name: string, figures: () => Promise<Figure[]>): Proof => ({
    name,
    letters: ['E1'],
    about: `${name} is shown`,
    run: async ({ report }) => {
      report('on the way');
      return figures();
    },
  });

  it('goes on after a proof that fails, and tells each with its heading and progress', async () => {
    const lines: string[] = [];
    const report = (line: string) => lines.push(line);
    const proofs = [
      proofOf('first', () => Promise.reject(new Error('no server'))),
      proofOf('second', async () => [figure(1)]),
    ];
    const results = await runProofs(proofs, { seed: 1, report, services: {} as ProofContext['services'] });
    expect(results.map(holds)).toEqual([false, true]);
    expect([exitCodeOf(results), exitCodeOf(results.slice(1))]).toEqual([1, 0]);
    expect(results[0]).toMatchObject({ error: 'no server', figures: [] });
    expect(lines).toEqual(
      expect.arrayContaining([
        '\nfirst (E1): first is shown',
        '  on the way',
        '  FAILED: no server',
        '\nsecond (E1): second is shown',
      ]),
    );
  });
});

it('a table of figures lines up', () => {
  const results = [
    result('model', [
      { name: 'stories', value: 1000, unit: 'runs', atLeast: 1000 },
      { name: 'time', value: 12.345, unit: 's' },
    ]),
    result('ratio', [{ name: 'p95 of another', value: 1.25, unit: '', atMost: 1.2 }]),
    result('chaos', [], 'no server'),
  ];
  expect(figureTable(results, { ...plain, bad: (text) => `<${text}>` })).toEqual([
    'proof  figure               value  unit  bound',
    'model  stories              1,000  runs  ≥ 1,000  ok',
    '       time                 12.35  s              ok',
    'ratio  p95 of another        1.25        ≤ 1.2    <FAILED>',
    'chaos  was not carried out                        <FAILED>',
  ]);
});
