import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientSession } from 'mongodb';
import { DatabaseAway, isAway } from './away.ts';
import type { Database } from './database.ts';
import { rerunOnDuplicate } from './duplicate-key.ts';

/** What reads and writes inside a transaction are passed. */
export type Transaction = ClientSession;

/** A transaction that was rerun this often is not unlucky, something is wrong with it. */
const MAX_RUNS = 20;

/** A database that is away for this many runs is not asked again here: whoever called has a longer patience. */
const MAX_RUNS_AWAY = 2;

/** A duplicate key that is still there after so many snapshots is a fault of the work, not a race. */
const MAX_DUPLICATE_RUNS = 5;

export class TransactionGaveUp extends Error {
  override name = 'TransactionGaveUp';
  constructor(runs: number, cause: unknown) {
    super(`The transaction was given up after ${runs} runs.`, { cause });
  }
}

/**
 * Runs `work` in one transaction with a snapshot read concern and majority writes; the driver reruns it
 * whole on transient errors, so `work` must do nothing but read and write through its session.
 *
 * A duplicate key means that somebody inserted the row since the snapshot, and reruns it, too; one that
 * stays is thrown after five runs. At most 20 transactions of a process are open at once, the others wait:
 * never call it inside `work`. Throws TransactionGaveUp after 20 runs, DatabaseAway when the database could
 * not be reached in two of them or the client connected anew meanwhile, and whatever `work` throws.
 */
export async function inTransaction<T>(
  database: Database,
  work: (session: ClientSession) => Promise<T>,
  onRerun?: () => void,
): Promise<T> {
  let runs = 0;
  let runsAway = 0;
  let last: unknown;
  const run = async (session: ClientSession): Promise<T> => {
    runs += 1;
    if (runs > 1) onRerun?.();
    // Errors of our own: the driver reruns its own ones for two minutes.
    if (runs > MAX_RUNS) throw new TransactionGaveUp(MAX_RUNS, last);
    if (runsAway >= MAX_RUNS_AWAY) throw new DatabaseAway('The database is away.', { cause: last });
    try {
      return await (runs < MAX_DUPLICATE_RUNS ? rerunOnDuplicate(work(session)) : work(session));
    } catch (error) {
      last = error;
      if (isAway(error)) runsAway += 1;
      throw error;
    }
  };
  return database.transactionSlots.run(() =>
    database.client.withSession((session) =>
      unlessCutOff(
        session,
        session.withTransaction(run, { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } }),
      ),
    ),
  );
}

/**
 * Settles as the transaction does; throws DatabaseAway when its session was ended under it, as a client that
 * connects anew does (db/reviving-client.ts). The driver (7.9) then tells of wrong use, without a label, or
 * returns the result of a transaction that it aborted itself. After a commit nobody knows whether it happened.
 */
async function unlessCutOff<T>(session: ClientSession, transaction: Promise<T>): Promise<T> {
  try {
    const result = await transaction;
    if (!session.hasEnded) return result;
  } catch (cause) {
    // The error of an aborted transaction may come a moment before its session has ended.
    await nextTurn();
    if (!session.hasEnded) throw cause;
    throw new DatabaseAway('The client connected anew meanwhile.', { cause });
  }
  throw new DatabaseAway('The client connected anew meanwhile.');
}
