import type { ClientSession } from 'mongodb';
import type { Database } from './database.ts';
import { rerunOnDuplicate } from './duplicate-key.ts';

/** What reads and writes inside a transaction are passed. */
export type Transaction = ClientSession;

/** Stated on every command that could wait: the driver's own `timeoutMS` does nothing in 7.9. */
export const MAX_TIME_MS = 10_000;

/** A transaction that was rerun this often is not unlucky, something is wrong with it. */
const MAX_RUNS = 20;

/** A duplicate key that is still there after so many snapshots is a fault of the work, not a race. */
const MAX_DUPLICATE_RUNS = 5;

export class TransactionGaveUp extends Error {
  override name = 'TransactionGaveUp';
  constructor(runs: number) {
    super(`The transaction was rerun ${runs} times because of write conflicts.`);
  }
}

/**
 * Runs `work` in one transaction with a snapshot read concern and majority writes; the driver reruns it
 * whole on transient errors, so `work` must do nothing but read and write through its session.
 *
 * A duplicate key means that somebody inserted the row since the snapshot, and reruns it, too; one that
 * stays is thrown after five runs. At most 20 transactions of a process are open at once, the others wait:
 * never call it inside `work`. Throws TransactionGaveUp after 20 runs, and whatever `work` throws.
 */
export async function inTransaction<T>(
  database: Database,
  work: (session: ClientSession) => Promise<T>,
  onRerun?: () => void,
): Promise<T> {
  let runs = 0;
  return database.transactionSlots.run(() =>
    database.client.withSession((session) =>
      session.withTransaction(
        async () => {
          runs += 1;
          if (runs > 1) onRerun?.();
          if (runs > MAX_RUNS) throw new TransactionGaveUp(runs);
          return runs < MAX_DUPLICATE_RUNS ? rerunOnDuplicate(work(session)) : work(session);
        },
        { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } },
      ),
    ),
  );
}
