import type { Database } from '../db/database.ts';
import { adoptForeignPage } from '../db/locks/foreign-locks.ts';

const PAGE = 500;

/** Makes locks of the rows that other programs wrote into `item_locks` without its rules (invariant L2). */
export async function adoptForeignLocks(dependencies: {
  database: Database;
  /** Wakes the outbox publisher. */
  notifyOutbox: () => void;
}): Promise<void> {
  let page: number;
  do {
    page = await adoptForeignPage(dependencies.database, PAGE);
    if (page > 0) dependencies.notifyOutbox();
  } while (page === PAGE);
}
