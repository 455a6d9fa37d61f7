/** A parsed cron expression: the sorted values at which each field matches. */
export interface CronExpression {
  readonly text: string;
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 = Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Both day fields are restricted: a day that matches either is meant, as in every classic cron. */
  readonly eitherDay: boolean;
}

/** An expression that cannot be read; says which field and why. */
export class CronError extends Error {
  override name = 'CronError';
}

interface Field {
  name: string;
  min: number;
  max: number;
  /** Names of the values from `min` on. */
  names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const SUNDAY = 7;

const FIELDS = {
  seconds: { name: 'second', min: 0, max: 59 },
  minutes: { name: 'minute', min: 0, max: 59 },
  hours: { name: 'hour', min: 0, max: 23 },
  daysOfMonth: { name: 'day of month', min: 1, max: 31 },
  months: { name: 'month', min: 1, max: 12, names: MONTHS },
  daysOfWeek: { name: 'day of week', min: 0, max: SUNDAY, names: WEEKDAYS },
} as const satisfies Record<string, Field>;

/**
 * Reads `minute hour day-of-month month day-of-week`, with an optional leading field of seconds. Each field
 * is `*`, a value, a range `a-b`, a step of either (`*` + `/15`, `9-17/2`, `5/10` = from 5 on) or a list of
 * these; months and weekdays may be named by three letters; 7 is Sunday too.
 *
 * When both day fields are restricted, a day that matches either counts; a field that begins with `*` is
 * not restricted, and then both must match (as in Vixie cron; node-cron demands both, but it only wakes
 * here). An expression that can never match, such as 31 February, is accepted and has no due times.
 * Throws CronError.
 */
export function parseCron(text: string): CronExpression {
  const parts = text.trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== 6) {
    throw new CronError(`"${text}" must have five fields, or six with seconds, not ${parts.length}`);
  }
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = parts as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    text,
    seconds: values(second, FIELDS.seconds),
    minutes: values(minute, FIELDS.minutes),
    hours: values(hour, FIELDS.hours),
    daysOfMonth: new Set(values(dayOfMonth, FIELDS.daysOfMonth)),
    months: new Set(values(month, FIELDS.months)),
    daysOfWeek: new Set(values(dayOfWeek, FIELDS.daysOfWeek).map((day) => day % SUNDAY)),
    eitherDay: !dayOfMonth.startsWith('*') && !dayOfWeek.startsWith('*'),
  };
}

const PART = /^(?:\*|(?<from>\w+)(?:-(?<to>\w+))?)(?:\/(?<step>\d{1,4}))?$/;

function values(text: string, field: Field): number[] {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = PART.exec(part);
    if (!match) throw new CronError(`"${part}" is no ${field.name}`);
    const { from, to, step } = match.groups!;
    const first = from === undefined ? field.min : value(from, field);
    const last = lastValue({ from, to, step }, first, field);
    if (last < first) throw new CronError(`"${part}" runs backwards in the field ${field.name}`);
    const stride = step === undefined ? 1 : Number(step);
    if (stride < 1) throw new CronError(`"${part}" has a step of 0 in the field ${field.name}`);
    for (let at = first; at <= last; at += stride) found.add(at);
  }
  return [...found].toSorted((a, b) => a - b);
}

type PartGroups = Record<'from' | 'to' | 'step', string | undefined>;

function lastValue({ from, to, step }: PartGroups, first: number, field: Field): number {
  if (to !== undefined) {
    const last = value(to, field);
    // `sat-sun`: as the end of a range Sunday is the seventh day.
    return last === 0 && first > 0 && field.max === SUNDAY ? SUNDAY : last;
  }
  if (from !== undefined && step === undefined) return first;
  // `*` and `a/step` end with the field; its second Sunday is no day of its own.
  return field.max === SUNDAY ? Math.max(first, SUNDAY - 1) : field.max;
}

function value(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return field.min + named;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= field.min && number <= field.max) return number;
  throw new CronError(`"${text}" is no ${field.name}: ${field.min}..${field.max}`);
}

/** What is wrong with an expression, in a few words, or undefined when it can be read. */
export function cronProblem(text: string): string | undefined {
  try {
    parseCron(text);
    return undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}
