// How the doctor's findings become one aligned line per check.
import { styleText } from 'node:util';
import type { Finding, FindingCode } from '../../src/domain/startup/finding.ts';

export type CheckState = 'ok' | 'warning' | 'failed' | 'skipped';

export interface CheckLine {
  state: CheckState;
  check: string;
  /** What is so, and what to do about it. */
  text: string;
}

interface Check {
  name: string;
  codes: readonly FindingCode[];
  /** What to say when nothing was found. */
  fine: string;
  /** Says nothing about a server that did not answer. */
  needs?: FindingCode;
}

const CHECKS: readonly Check[] = [
  {
    name: 'MongoDB',
    codes: ['mongodb_unreachable', 'mongodb_too_old', 'mongodb_version_unknown'],
    fine: 'answers, 6.0 or newer',
  },
  {
    name: 'transactions',
    codes: ['mongodb_no_transactions'],
    fine: 'run',
    needs: 'mongodb_unreachable',
  },
  { name: 'clock', codes: ['clock_off'], fine: "within 5 s of MongoDB's", needs: 'mongodb_unreachable' },
  {
    name: 'analytics',
    codes: ['analytics_settings_changed'],
    fine: 'stored ones fit the configured zone and tolerance',
    needs: 'mongodb_unreachable',
  },
  {
    name: 'Redis',
    codes: ['redis_unreachable', 'redis_too_old', 'redis_version_unknown'],
    fine: 'answers, 6.2 or newer',
  },
  {
    name: 'eviction',
    codes: ['redis_evicts', 'redis_eviction_unknown'],
    fine: 'off (noeviction)',
    needs: 'redis_unreachable',
  },
  {
    name: 'persistence',
    codes: ['redis_not_persistent', 'redis_persistence_unknown'],
    fine: 'on (AOF)',
    needs: 'redis_unreachable',
  },
];

/** The report: a line per wrong variable or one for all of them, then a line per check, in a fixed order. */
export function linesOf(result: {
  configProblems: readonly string[];
  findings: readonly Finding[];
}): CheckLine[] {
  const { configProblems, findings } = result;
  const check = 'configuration';
  if (configProblems.length > 0) {
    return [
      ...configProblems.map(
        (text): CheckLine => ({ state: 'failed', check, text: `${text}; see .env.example` }),
      ),
      ...CHECKS.map(({ name }) => skipped(name, 'the configuration is wrong')),
    ];
  }
  return [
    { state: 'ok', check, text: 'complete' },
    ...CHECKS.map((each) => lineOf(each, new Map(findings.map((finding) => [finding.code, finding])))),
  ];
}

function lineOf(check: Check, findings: ReadonlyMap<FindingCode, Finding>): CheckLine {
  if (check.needs !== undefined && findings.has(check.needs)) return skipped(check.name, 'nobody to ask');
  const finding = check.codes.map((code) => findings.get(code)).find((found) => found !== undefined);
  if (!finding) return { state: 'ok', check: check.name, text: check.fine };
  return {
    state: finding.severity === 'error' ? 'failed' : 'warning',
    check: check.name,
    text: `${finding.message} ${finding.remedy}`,
  };
}

const skipped = (check: string, why: string): CheckLine => ({
  state: 'skipped',
  check,
  text: `not checked: ${why}`,
});

const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'gray' } as const;

/** One line of the terminal, aligned; colour only where a person looks at it. */
export function paint({ state, check, text }: CheckLine, inColour: boolean): string {
  const padded = state.padEnd(7);
  const shown = inColour ? styleText(COLOURS[state], padded, { validateStream: false }) : padded;
  return `${shown}  ${check.padEnd(13)}  ${text}`;
}
