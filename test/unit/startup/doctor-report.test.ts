import { describe, expect, it } from 'vitest';
import { linesOf, paint } from '../../../scripts/doctor/report.ts';
import { error, warning } from '../../../src/domain/startup/finding.ts';

const states = (result: Parameters<typeof linesOf>[0]): Record<string, string> =>
  Object.fromEntries(linesOf(result).map(({ check, state }) => [check, state]));

const ALL_OK = {
  configuration: 'ok',
  MongoDB: 'ok',
  transactions: 'ok',
  clock: 'ok',
  analytics: 'ok',
  Redis: 'ok',
  eviction: 'ok',
  persistence: 'ok',
};

describe("the doctor's report", () => {
  it('has one line per check', () => {
    expect(states({ configProblems: [], findings: [] })).toEqual(ALL_OK);
  });

  it('puts each finding on its line', () => {
    const findings = [error('clock_off', 'Off.', 'Set it.'), warning('redis_not_persistent', 'Not.', 'Do.')];
    expect(states({ configProblems: [], findings })).toEqual({
      ...ALL_OK,
      clock: 'failed',
      persistence: 'warning',
    });
    const line = linesOf({ configProblems: [], findings }).find(({ check }) => check === 'clock');
    expect(line?.text).toBe('Off. Set it.');
  });

  it('claims nothing about a server that is away', () => {
    const findings = [error('redis_unreachable', 'Away.', 'Start it.')];
    expect(states({ configProblems: [], findings })).toEqual({
      ...ALL_OK,
      Redis: 'failed',
      eviction: 'skipped',
      persistence: 'skipped',
    });
  });

  it('lists every problem of the configuration', () => {
    const lines = linesOf({ configProblems: ['A is missing', 'B is wrong'], findings: [] });
    expect(lines.filter(({ state }) => state === 'failed').map(({ text }) => text)).toEqual([
      'A is missing; see .env.example',
      'B is wrong; see .env.example',
    ]);
    expect(lines.filter(({ state }) => state === 'ok')).toEqual([]);
  });

  it('aligns its lines, and is coloured for a terminal only', () => {
    const line = { state: 'ok', check: 'clock', text: 'fine' } as const;
    expect(paint(line, false)).toBe('ok       clock          fine');
    expect(paint(line, true)).toBe('\x1b[32mok     \x1b[39m  clock          fine');
  });
});
