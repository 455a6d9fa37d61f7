import { describe, expect, it } from 'vitest';
import { judgeMongo, type MongoFacts } from '../../../src/domain/startup/judge-mongo.ts';

const fit: MongoFacts = {
  version: '7.0.14',
  transactionProblem: undefined,
  clockOffsetMs: 12,
  clockUncertaintyMs: 2,
};
const verdict = (facts: Partial<MongoFacts>): string[] =>
  judgeMongo({ ...fit, ...facts }).map(({ severity, code }) => `${severity} ${code}`);

describe('judgeMongo', () => {
  it.each<[string, Partial<MongoFacts>, string[]]>([
    ['a fit server', {}, []],
    ['the oldest that will do', { version: '6.0.0' }, []],
    ['a release candidate', { version: '8.2.0-rc1' }, []],
    ['one just too old', { version: '5.0.31' }, ['error mongodb_too_old']],
    ['no version', { version: undefined }, ['warning mongodb_version_unknown']],
    ['a standalone', { transactionProblem: 'no replica set' }, ['error mongodb_no_transactions']],
    ['a clock 5 s ahead', { clockOffsetMs: 5_000, clockUncertaintyMs: 0 }, []],
    ['a clock more than 5 s ahead', { clockOffsetMs: 5_001, clockUncertaintyMs: 0 }, ['error clock_off']],
    ['a clock more than 5 s behind', { clockOffsetMs: -5_001, clockUncertaintyMs: 0 }, ['error clock_off']],
    ['a slow answer, which proves nothing', { clockOffsetMs: 5_900, clockUncertaintyMs: 1_000 }, []],
    [
      'a slow answer of a clock far off',
      { clockOffsetMs: 6_100, clockUncertaintyMs: 1_000 },
      ['error clock_off'],
    ],
    [
      'everything wrong, all at once',
      { version: '4.4.0', transactionProblem: 'no', clockOffsetMs: 3_600_000 },
      ['error mongodb_too_old', 'error mongodb_no_transactions', 'error clock_off'],
    ],
  ])('%s', (_name, facts, expected) => {
    expect(verdict(facts)).toEqual(expected);
  });

  it('says by how much the clock is off, and in which direction', () => {
    const [ahead] = judgeMongo({ ...fit, clockOffsetMs: -7_250 });
    expect(ahead?.message).toBe("This machine's clock is 7.3 s ahead of MongoDB's.");
    const [behind] = judgeMongo({ ...fit, clockOffsetMs: 7_250 });
    expect(behind?.message).toBe("This machine's clock is 7.3 s behind MongoDB's.");
  });
});
