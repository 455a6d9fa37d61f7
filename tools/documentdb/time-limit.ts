// maxTimeMS: the statement is cancelled in PostgreSQL, which then reports 57014, MongoDB's error 50.
import type pg from 'pg';
import type { Target } from './command.ts';
import { type Pools, queryRow } from './postgres-pools.ts';

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
  let cancelling: Promise<unknown> | undefined;
  const timer = setTimeout(() => {
    const statement = 'SELECT pg_cancel_backend($1)';
    cancelling = queryRow(pools.cancelling, statement, [backendPid(client)]).catch(() => {});
  }, limitMs);
  try {
    return await work({ ...target, client });
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
