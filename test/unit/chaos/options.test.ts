import { describe, expect, it } from 'vitest';
import { FAULT_KINDS } from '../../../scripts/chaos/faults/kinds.ts';
import { readOptions, USAGE } from '../../../scripts/chaos/options.ts';
import { UsageError } from '../../../scripts/cli.ts';

describe('the flags of npm run chaos', () => {
  it('have the size of the published run as their defaults', () => {
    expect(readOptions({})).toMatchObject({ ops: 20_000, seed: 1, faults: FAULT_KINDS, breaks: undefined });
  });

  it.each([
    ['--faults none', { faults: 'none' }, { faults: [] }],
    ['some kinds', { faults: 'kill_api, redis_flush' }, { faults: ['kill_api', 'redis_flush'] }],
    ['a control', { break: 'fence', ops: '100', seed: '0' }, { breaks: 'fence', ops: 100, seed: 0 }],
  ])('take %s', (_what, flags, options) => {
    expect(readOptions(flags)).toMatchObject(options);
  });

  it.each([
    [{ ops: '99' }],
    [{ ops: 'many' }],
    [{ ops: '' }],
    [{ seed: '-1' }],
    [{ seed: '1.5' }],
    [{ faults: 'kill_everything' }],
    [{ break: 'cursor' }],
  ])('refuse %j in one line', (flags) => {
    expect(() => readOptions(flags)).toThrow(UsageError);
    expect(() => readOptions(flags)).toThrow(/^--\w+ [^\n]+$/);
  });

  it('are explained with every kind of fault', () => {
    for (const kind of FAULT_KINDS) expect(USAGE).toContain(kind);
  });
});
