// The ERP's items and a year of counts, as they stand when the engine is new, and their analytics.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Demo } from '../demo.ts';
import { decimals, plural, progress, step, whole } from '../say.ts';
import { CATEGORY_COUNT, erpRow, makeYear } from '../warehouse.ts';

const CHUNK = 2_000;
const POLL_MS = 100;

/** Written beside the engine, as the ERP sync and the app of before did. */
export async function fillWarehouse({ database, random, items, calendar }: Demo): Promise<void> {
  const bar = progress('warehouse');
  const year = makeYear(random, items, calendar);
  const total = items.length + year.sessions.length + year.lines.length;
  let done = 0;
  const insert = async <T>(rows: readonly T[], write: (chunk: T[]) => Promise<unknown>): Promise<void> => {
    for (let from = 0; from < rows.length; from += CHUNK) {
      const chunk = rows.slice(from, from + CHUNK);
      await write(chunk);
      done += chunk.length;
      bar.update(done, total);
    }
  };
  await insert(items.map(erpRow), (chunk) => database.erpItems.insertMany(chunk));
  await insert(year.sessions, (chunk) => database.sessions.insertMany(chunk));
  await insert(year.lines, (chunk) => database.lines.insertMany(chunk));
  bar.stop();
  step('ERP', `${plural(items.length, 'item')} in ${CATEGORY_COUNT} categories`);
  step(
    'past year',
    `${plural(year.sessions.length, 'session')} with ${plural(year.lines.length, 'count line')}, ` +
      `${calendar.firstDay} to ${calendar.yesterday}`,
  );
}

interface BackfillRun {
  state: string;
  periods_total: number;
  periods_done: number;
  error?: string;
}

/** Returns how many periods were computed. */
export async function backfillYear({ admin, calendar, claims }: Demo): Promise<number> {
  const bar = progress('backfill');
  const startedAt = performance.now();
  const { run_id } = await admin.post<{ run_id: string }>('/api/analytics/backfill', {
    from: calendar.firstPeriodDay,
    to: calendar.yesterday,
  });
  let run: BackfillRun;
  do {
    await sleep(POLL_MS);
    run = await admin.get<BackfillRun>(`/api/analytics/backfill/${run_id}`);
    if (run.periods_total > 0) bar.update(run.periods_done, run.periods_total);
  } while (run.state === 'running');
  bar.stop();
  claims.equal('the backfill ends without error', [run.state, run.error], ['done', undefined]);
  claims.equal('the backfill does all its periods', run.periods_done, run.periods_total);
  const seconds = (performance.now() - startedAt) / 1000;
  step('backfill', `${whole(run.periods_done)} days, weeks and months computed in ${decimals(seconds, 1)} s`);
  return run.periods_done;
}
