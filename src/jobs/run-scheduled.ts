import type { Database } from '../db/database.ts';
import { beatRun, finishRun, handBackRun, startRun } from '../db/schedule-runs.ts';

const BEAT_EVERY_MS = 20_000;

export interface RunScheduledDependencies {
  database: Database;
  /** Names this process in the run. */
  host: string;
  /** Aborted when the process is asked to stop: what `work` did until then is not taken for all. */
  stopping?: AbortSignal;
}

/** The schedule's name and the due time it stands for, as the job's payload has them. */
export interface ScheduledFire {
  type: string;
  scheduled_for: string;
}

/**
 * Runs the work of one fire and records start, end, outcome and host in `schedule_runs`. A fire that is
 * done, or that another process is running, is not run again (invariant A6); returns whether `work` ran.
 *
 * While it runs it says so every 20 s; after 90 s of silence another may take it over. `work` returns one
 * line for people. What it throws is recorded as `failed` and thrown on, so that the queue tries again. A
 * run that ends while the process stops is handed back and rung again within a minute or two.
 */
export async function runScheduled(
  { database, host, stopping }: RunScheduledDependencies,
  fire: ScheduledFire,
  work: () => Promise<string>,
): Promise<boolean> {
  const key = { schedule: fire.type, scheduled_for: new Date(fire.scheduled_for) };
  const start = await startRun(database, key, host);
  if (start.state === 'settled' || start.state === 'busy') return false;
  if (start.state === 'unknown') {
    await work();
    return true;
  }
  const run = { ...key, attempt: start.attempt };
  // A beat that fails is made good by the next one; four in a row are 80 s.
  const beat = setInterval(() => beatRun(database, run).catch(() => {}), BEAT_EVERY_MS);
  try {
    const outcome = await work();
    if (stopping?.aborted) await handBackRun(database, run);
    else await finishRun(database, run, { state: 'done', outcome });
    return true;
  } catch (error) {
    const outcome = error instanceof Error ? error.message : String(error);
    await finishRun(database, run, { state: 'failed', outcome }).catch(() => {});
    throw error;
  } finally {
    clearInterval(beat);
  }
}
