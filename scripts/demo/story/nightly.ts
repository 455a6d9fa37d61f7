// The nightly run over days, weeks and months; then a late batch, and what of the past it changes.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PeriodType, VarianceAnalytics } from '../../../src/contract/schemas/variance-analytics.ts';
import { localDay, nextPeriod, PERIOD_TYPES, periodOfDay } from '../../../src/domain/variance/periods.ts';
import { timeOfDay } from '../calendar.ts';
import type { Demo } from '../demo.ts';
import { plural, step } from '../say.ts';

const POLL_MS = 100;
const RUN_LIMIT_MS = 30_000;
const LATE_COUNTS = 12;
/** Wrong enough that no accuracy stays the same by chance. */
const LATE_WRONG = 7;

/** `daily 2025-01-31` → how often its document was written. */
type Generations = ReadonlyMap<string, number>;

export type StoredDocument = Omit<VarianceAnalytics, 'period_start'> & { period_start: string };

export async function readDocuments(
  { supervisor, calendar }: Demo,
  type: PeriodType,
): Promise<StoredDocument[]> {
  const query = `period_type=${type}&from=${calendar.firstPeriodDay}&to=${calendar.today}`;
  return (await supervisor.get<{ items: StoredDocument[] }>(`/api/analytics/variance?${query}`)).items;
}

/** The first local day of a document's period. */
export const firstDayOf = ({ period_start, timezone }: StoredDocument): string =>
  localDay(new Date(period_start), timezone);

const nameOf = (type: PeriodType, day: string): string => `${type} ${day}`;

async function readGenerations(demo: Demo): Promise<Generations> {
  const perType = await Promise.all(PERIOD_TYPES.map((type) => readDocuments(demo, type)));
  return new Map(
    perType
      .flat()
      .map((document) => [nameOf(document.period_type, firstDayOf(document)), document.generation]),
  );
}

/** The documents that were written in between, in the order of their names. */
const writtenBetween = (before: Generations, after: Generations): string[] =>
  [...after]
    .filter(([name, generation]) => before.get(name) !== generation)
    .map(([name]) => name)
    .sort();

/** Fires the nightly schedule as an admin does, and waits for the end of its run. Returns its outcome. */
async function runNightly({ admin, claims }: Demo): Promise<string> {
  interface Shown {
    runs: { scheduled_for: string; state: string; outcome?: string }[];
  }
  const path = '/api/admin/schedules/roll-up-variance/trigger';
  const fire = (await admin.post<Shown>(path)).runs[0]!.scheduled_for;
  const deadline = performance.now() + RUN_LIMIT_MS;
  for (;;) {
    const { schedules } = await admin.get<{ schedules: (Shown & { name: string })[] }>(
      '/api/admin/schedules',
    );
    const run = schedules
      .find((schedule) => schedule.name === 'roll-up-variance')
      ?.runs.find(({ scheduled_for }) => scheduled_for === fire);
    if (run?.state === 'done' || run?.state === 'failed') {
      claims.equal('the nightly run ends well', run.state, 'done');
      return run.outcome ?? run.state;
    }
    if (performance.now() > deadline) throw new Error(`the nightly run did not end: ${run?.state}`);
    await sleep(POLL_MS);
  }
}

/** Returns how many documents were written. */
export async function nightlyRun(demo: Demo): Promise<number> {
  const { calendar, claims } = demo;
  const before = await readGenerations(demo);
  const outcome = await runNightly(demo);
  const after = await readGenerations(demo);
  const written = writtenBetween(before, after);
  const running = PERIOD_TYPES.map((type) =>
    nameOf(type, periodOfDay(type, calendar.today, calendar.zone).first_day),
  );
  claims.equal(
    'the nightly run writes the day, week and month that were counted in',
    written,
    running.sort(),
  );
  step('nightly run', `fired by admin-1; ${outcome}`);
  step('nightly run', `written: ${written.join(', ')}`);
  return written.length;
}

/** A phone that lay in a drawer since the last week. Returns how many documents its counts changed. */
export async function lateBatch(demo: Demo): Promise<number> {
  const { calendar, claims, phones, random, sessions, items } = demo;
  const { third } = phones;
  const { closedDay, zone } = calendar;
  await third.start(sessions.late, timeOfDay(closedDay, 15 * 60, zone));
  for (const [index, item] of random.sample(items, LATE_COUNTS).entries()) {
    const quantity = item.stock_qty + (index < LATE_WRONG ? random.between(1, 9) : 0);
    await third.count(sessions.late, item.item_code, quantity, timeOfDay(closedDay, 15 * 60 + index, zone));
  }
  const { synced } = await third.sync();
  claims.equal('the late batch is applied', synced, LATE_COUNTS + 1);
  step(
    third.name,
    `a late batch: ${plural(LATE_COUNTS, 'count')} of ${closedDay}, a day of last week, applied`,
  );

  const before = await readGenerations(demo);
  const outcome = await runNightly(demo);
  const after = await readGenerations(demo);
  const written = writtenBetween(before, after);
  claims.equal(
    'the late batch changes its periods and the deltas of the next',
    written,
    expectedAfter(demo, after),
  );
  const own = PERIOD_TYPES.map((type) => nameOf(type, periodOfDay(type, closedDay, zone).first_day));
  step('nightly run', `fired by admin-1; ${outcome}`);
  step('nightly run', `changed: ${own.join(', ')}`);
  step('nightly run', `new delta only: ${written.filter((name) => !own.includes(name)).join(', ')}`);
  step('nightly run', `untouched: ${plural(after.size - written.length, 'other document')}`);
  return written.length;
}

/** The closed day's own periods, and the following ones that exist. */
function expectedAfter({ calendar: { closedDay, zone } }: Demo, stored: Generations): string[] {
  return PERIOD_TYPES.flatMap((type) => {
    const own = periodOfDay(type, closedDay, zone);
    return [own, nextPeriod(own, zone)].map((period) => nameOf(type, period.first_day));
  })
    .filter((name) => stored.has(name))
    .sort();
}
