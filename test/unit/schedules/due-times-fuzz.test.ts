// The due times against a search that knows no calendar: it walks minute by minute, reads the wall clock
// from Intl, and fires when the clock reaches a matching minute for the first time or jumps over one.
import { expect, test } from 'vitest';
import { parseCron } from '../../../src/domain/schedules/cron-expression.ts';
import { dueTimes } from '../../../src/domain/schedules/due-times.ts';
import { tellFigures } from '../../support/figures.ts';

const SEED = Number(process.env['CRON_SEED'] ?? 20_260_105);
const CASES = Number(process.env['CRON_EXPRESSIONS'] ?? 320);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Havana',
  'America/Santiago',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Africa/Casablanca',
  'Pacific/Apia',
];
// Around changes of clocks: spring, autumn, a day that Apia skipped, midnights that were skipped.
const BEGINNINGS = [
  '2026-03-28',
  '2026-10-24',
  '2026-03-07',
  '2026-10-31',
  '2026-04-04',
  '2026-10-03',
  '2018-11-03',
  '2019-02-15',
  '2011-12-29',
  '2011-11-05',
  '2024-03-09',
  '2024-02-28',
  '2025-12-30',
  '2026-09-05',
];

// The rule once more, in a form of its own: a value matches a field.
const matches = (field: string, value: number, max: number): boolean =>
  field.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/');
    const [from = '', to] = range.split('-');
    const first = from === '*' ? (max === 31 || max === 12 ? 1 : 0) : Number(from);
    const last = to !== undefined ? Number(to) : from === '*' || part.includes('/') ? max : first;
    return value >= first && value <= last && (value - first) % Number(step) === 0;
  });

const matchesWall = (expression: string, wallMs: number): boolean => {
  const [minute, hour, day, month, weekday] = expression.split(' ') as [
    string,
    string,
    string,
    string,
    string,
  ];
  const wall = new Date(wallMs);
  const byDay = matches(day, wall.getUTCDate(), 31);
  const byWeek = matches(weekday, wall.getUTCDay(), 6);
  const either = !day.startsWith('*') && !weekday.startsWith('*');
  return (
    matches(minute, wall.getUTCMinutes(), 59) &&
    matches(hour, wall.getUTCHours(), 23) &&
    matches(month, wall.getUTCMonth() + 1, 12) &&
    (either ? byDay || byWeek : byDay && byWeek)
  );
};

function wallClock(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  return (ms) => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
    return Date.UTC(part['year']!, part['month']! - 1, part['day']!, part['hour']!, part['minute']!);
  };
}

function search(expression: string, zone: string, afterMs: number, untilMs: number): number[] {
  const wallAt = wallClock(zone);
  const found: number[] = [];
  // Begin earlier, so that the highest reading so far is known when clocks were set back just before.
  let reached = wallAt(afterMs - DAY_MS);
  for (let ms = afterMs - DAY_MS + MINUTE_MS; ms <= untilMs; ms += MINUTE_MS) {
    const wall = wallAt(ms);
    let fires = false;
    for (; reached < wall; reached += MINUTE_MS) fires ||= matchesWall(expression, reached + MINUTE_MS);
    if (fires && ms > afterMs) found.push(ms);
  }
  return found;
}

/** Mulberry32: small, seeded, the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

test(
  `${CASES} expressions in ${ZONES.length} zones equal a search minute by minute (seed ${SEED})`,
  (context) => {
    const below = random(SEED);
    const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
    const field = (min: number, max: number): string => {
      const from = min + below(max - min + 1);
      const to = from + below(max - from + 1);
      return pick([
        '*',
        '*',
        `${from}`,
        `${from}-${to}`,
        `${from}-${to}/${1 + below(5)}`,
        `*/${1 + below(20)}`,
        `${from},${to}`,
      ]);
    };
    let fired = 0;
    for (let n = 0; n < CASES; n += 1) {
      const expression = [
        field(0, 59),
        pick([field(0, 23), field(0, 3)]),
        pick(['*', field(1, 31)]),
        pick(['*', '*', field(1, 12)]),
        pick(['*', field(0, 6)]),
      ].join(' ');
      const zone = pick(ZONES);
      const afterMs = Date.parse(pick(BEGINNINGS)) + below(1440) * MINUTE_MS;
      const untilMs = afterMs + below(2 * 1440) * MINUTE_MS;
      const due = [...dueTimes({ cron: parseCron(expression), zone }, new Date(afterMs), new Date(untilMs))];
      const label = `"${expression}" in ${zone} from ${new Date(afterMs).toISOString()}`;
      expect(
        due.map((time) => time.toISOString()),
        label,
      ).toEqual(search(expression, zone, afterMs, untilMs).map((ms) => new Date(ms).toISOString()));
      fired += due.length;
    }
    expect(fired).toBeGreaterThan(CASES);
    tellFigures(context, { expressions: CASES, 'due times': fired });
  },
  60_000 + CASES * 200,
);
