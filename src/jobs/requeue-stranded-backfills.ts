import { findStrandedRuns } from '../db/backfill-runs.ts';
import type { Database } from '../db/database.ts';
import { readServerTime } from '../db/server-time.ts';
import type { Logger } from '../runtime/logger.ts';

export interface RequeueBackfillsDependencies {
  database: Database;
  logger: Logger;
  ringAgain: (payload: { v: 1; type: 'backfill-variance'; run_id: string }) => Promise<void>;
}

/** Whoever works on a run says so every 20 s. */
const SILENT_MS = 60_000;
const MAX_RUNS = 100;

/**
 * Rings again for every unfinished backfill that nobody works on: its process stopped or died, or Redis lost
 * its job. The queue drops a ring for one whose job still waits.
 */
export async function requeueStrandedBackfills(dependencies: RequeueBackfillsDependencies): Promise<number> {
  const { database, logger, ringAgain } = dependencies;
  const now = await readServerTime(database);
  const runs = await findStrandedRuns(database, new Date(now.getTime() - SILENT_MS), MAX_RUNS);
  for (const run_id of runs) await ringAgain({ v: 1, type: 'backfill-variance', run_id });
  if (runs.length > 0) logger.info({ runs: runs.length }, 'unfinished backfills were rung again');
  return runs.length;
}
