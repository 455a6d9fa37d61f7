import { UsageError } from '../cli.ts';
import { FAULT_KINDS, type FaultKind } from './faults/kinds.ts';
import { LETTERS } from './letters.ts';

export interface ChaosOptions {
  ops: number;
  seed: number;
  faults: readonly FaultKind[];
  breaks?: Sabotage | undefined;
  jsonFile?: string | undefined;
  htmlFile?: string | undefined;
}

export const SABOTAGES = ['ledger', 'fence'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

const MIN_OPS = 100;

const codes = Object.entries(LETTERS)
  .map(([letter, { code, about }]) => `  ${code}  ${letter}  ${about}`)
  .join('\n');

export const USAGE = `
Runs the engine as five processes on servers of its own, lets devices and supervisors work on it while
processes, servers and connections are broken, heals everything, and compares what is stored with what was
sent and told.

  npm run chaos -- [--ops 20000] [--seed 1] [--faults all|none|KIND,KIND…] [--json FILE] [--html FILE]

  --ops      operations that the devices make, ${MIN_OPS} or more
  --seed     of what devices, people and faults do; the machine's timing is not part of it
  --faults   ${FAULT_KINDS.slice(0, 7).join(', ')},
             ${FAULT_KINDS.slice(7).join(', ')}
  --json     writes the report
  --html     writes a page with the faults and the operations applied per second
  --break    ledger|fence: a negative control, the engine runs without its ledger or its fence checks

Exit codes: 0 nothing found, 2 bad input, 1 a surprise (an answer 500, an engine process that ended by itself),
else the first violated letter of this list:
${codes}
`;

interface Flags {
  ops?: string | undefined;
  seed?: string | undefined;
  faults?: string | undefined;
  break?: string | undefined;
  json?: string | undefined;
  html?: string | undefined;
}

/** Throws UsageError. */
export function readOptions(flags: Flags): ChaosOptions {
  const breaks = flags.break;
  if (breaks !== undefined && !isOneOf(SABOTAGES, breaks))
    throw new UsageError(`--break is ${SABOTAGES.join(' or ')}, not '${breaks}'`);
  return {
    ops: wholeNumber('--ops', flags.ops ?? '20000', MIN_OPS),
    seed: wholeNumber('--seed', flags.seed ?? '1', 0),
    faults: readFaults(flags.faults ?? 'all'),
    breaks,
    jsonFile: flags.json,
    htmlFile: flags.html,
  };
}

function wholeNumber(flag: string, text: string, atLeast: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < atLeast || text.trim() === '')
    throw new UsageError(`${flag} is a whole number of at least ${atLeast}, not '${text}'`);
  return value;
}

function readFaults(text: string): readonly FaultKind[] {
  if (text === 'none') return [];
  if (text === 'all') return FAULT_KINDS;
  const kinds = text.split(',').map((kind) => kind.trim());
  return kinds.map((kind) => {
    if (isOneOf(FAULT_KINDS, kind)) return kind;
    throw new UsageError(`--faults knows all, none and ${FAULT_KINDS.join(', ')}, not '${kind}'`);
  });
}

const isOneOf = <T extends string>(list: readonly T[], value: string): value is T =>
  (list as readonly string[]).includes(value);
