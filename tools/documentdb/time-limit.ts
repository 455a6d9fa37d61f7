// maxTimeMS: the statement is cancelled in PostgreSQL, which then reports 57014, MongoDB's error 50. A write of a
// transaction that waited for another's row is a write conflict instead: MongoDB would have said so at once.
import type pg from 'pg';
import type { Target } from './command.ts';
import { writeConflict } from './errors.ts';
import { type Pools, queryRow } from './postgres-pools.ts';

const CANCEL = `SELECT pg_cancel_backend(pid), wait_event_type IS NOT DISTINCT FROM 'Lock'
  FROM pg_stat_activity WHERE pid = $1`;

/** Runs `work` and cancels its statement after `limitMs`; 0 means no limit, as in MongoDB. */
export async function withTimeLimit<T>(
  limitMs: number,
  target: Target,
  pools: Pools,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  if (limitMs === 0) return work(target);
  // Cancelling names a backend, so the command needs a connection that is its own.
  const client = target.transaction?.client ?? (await pools.plain.connect());
  let cancelling: Promise<void> | undefined;
  let waitedForRow = false;
  const timer = setTimeout(() => {
    cancelling = queryRow(pools.cancelling, CANCEL, [backendPid(client)]).then(
      ([, isWaiting]) => {
        waitedForRow = isWaiting === 't';
      },
      () => {},
    );
  }, limitMs);
  try {
    return await work({ ...target, client });
  } catch (error) {
    await cancelling;
    if (target.transaction && waitedForRow)
      throw writeConflict('The row is held by another transaction.', true);
    throw error;
  } finally {
    clearTimeout(timer);
    // A cancellation still under way would hit the next user of the connection.
    await cancelling;
    if (!target.transaction) client.release();
  }
}

// pg's clients have it, its types do not.
function backendPid(client: pg.PoolClient): number | undefined {
  return (client as pg.PoolClient & { processID?: number }).processID;
}
