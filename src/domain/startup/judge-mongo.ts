import { error, type Finding, warning } from './finding.ts';
import { isAtLeast } from './server-version.ts';

/** What a MongoDB server says of itself. */
export interface MongoFacts {
  version: string | undefined;
  /** Undefined when a transaction ran, else why none did. */
  transactionProblem: string | undefined;
  /** The server's clock minus this process's. */
  clockOffsetMs: number;
  /** How wrong `clockOffsetMs` may be: half of the time that the answer took. */
  clockUncertaintyMs: number;
}

/** contract 2. */
const OLDEST = [6, 0] as const;

/**
 * MongoDB's clock decides over locks; timers and token expiry run on the process's. Further apart than
 * this, people see locks end at the wrong time (contract 8).
 */
const MAX_CLOCK_OFFSET_MS = 5_000;

/** Judges MongoDB as a server to start on (contract 8). */
export function judgeMongo(facts: MongoFacts): Finding[] {
  return [...judgeVersion(facts.version), ...judgeTransactions(facts), ...judgeClock(facts)];
}

function judgeVersion(version: string | undefined): Finding[] {
  const fits = version === undefined ? undefined : isAtLeast(version, OLDEST);
  const needed = `${OLDEST.join('.')} or newer`;
  if (fits === true) return [];
  if (fits === undefined) {
    return [
      warning(
        'mongodb_version_unknown',
        'MongoDB does not tell its version.',
        `Make sure that it is ${needed}.`,
      ),
    ];
  }
  return [error('mongodb_too_old', `MongoDB ${version} is too old.`, `Use MongoDB ${needed}.`)];
}

function judgeTransactions({ transactionProblem }: MongoFacts): Finding[] {
  if (transactionProblem === undefined) return [];
  return [
    error(
      'mongodb_no_transactions',
      `MongoDB runs no transactions: ${transactionProblem.replace(/\.$/, '')}.`,
      'Start mongod with --replSet and call rs.initiate() once; a single node is enough.',
    ),
  ];
}

function judgeClock({ clockOffsetMs, clockUncertaintyMs }: MongoFacts): Finding[] {
  if (Math.abs(clockOffsetMs) - clockUncertaintyMs <= MAX_CLOCK_OFFSET_MS) return [];
  const seconds = (Math.abs(clockOffsetMs) / 1000).toFixed(1);
  const direction = clockOffsetMs > 0 ? 'behind' : 'ahead of';
  return [
    error(
      'clock_off',
      `This machine's clock is ${seconds} s ${direction} MongoDB's.`,
      'Let both machines take their time from NTP.',
    ),
  ];
}
