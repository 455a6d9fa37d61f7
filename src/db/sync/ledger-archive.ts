import { type Binary, BSON } from 'mongodb';
import type { Database } from '../database.ts';
import { inTransaction } from '../transaction.ts';
import { wholeCursor } from '../whole-cursor.ts';

/** Younger rows stay where they are: no device is expected to be away for longer (rules, "Identity"). */
export const MIN_ARCHIVE_AGE_DAYS = 400;

const DAY_MS = 86_400_000;

/** A pass through the whole ledger takes as long as it takes. */
const UNHURRIED = { maxTimeMS: 0 };

/** Rows of one transaction: about 0.1 MB, far below any limit on the size of one. */
const PAGE_ROWS = 1_000;

export interface ArchiveTotals {
  rows: number;
  /** BSON bytes of the rows. */
  bytes: number;
}

/** Rows from this instant on are too young to be archived. */
export const archiveLimit = (now: Date): Date => new Date(now.getTime() - MIN_ARCHIVE_AGE_DAYS * DAY_MS);

/** How many rows of the ledger are older than `before`. Reads the whole ledger: `at` has no index. */
export const countOlder = (database: Database, before: Date): Promise<number> =>
  database.operations.countDocuments({ at: { $lt: before } }, UNHURRIED);

/**
 * Moves the ledger's rows that are older than `before` into the archive, a page in one transaction each.
 * Whoever reads the ledger meanwhile finds each row in one of the two (invariant S2). A killed or second run
 * moves what is left; what is moved is no longer there to be moved twice.
 *
 * The rows are found by one pass through the collection: an index on `at` would cost every operation room
 * and time, for a command that runs once a year.
 */
export async function archiveOlder(
  database: Database,
  before: Date,
  onPage: (totals: ArchiveTotals) => void = () => {},
): Promise<ArchiveTotals> {
  const totals: ArchiveTotals = { rows: 0, bytes: 0 };
  const older = database.operations
    .find({ at: { $lt: before } }, { projection: { _id: 1 }, batchSize: PAGE_ROWS })
    .map((row) => row._id);
  const move = async (keys: readonly Binary[]): Promise<void> => {
    const moved = await movePage(database, keys);
    totals.rows += moved.rows;
    totals.bytes += moved.bytes;
    onPage({ ...totals });
  };
  let page: Binary[] = [];
  for await (const key of wholeCursor(older)) {
    page.push(key);
    if (page.length < PAGE_ROWS) continue;
    await move(page);
    page = [];
  }
  if (page.length > 0) await move(page);
  return totals;
}

const movePage = (database: Database, keys: readonly Binary[]): Promise<ArchiveTotals> =>
  inTransaction(database, async (session) => {
    const these = { _id: { $in: [...keys] } };
    // Read again: another run may have moved them since the pass came by.
    const rows = await database.operations.find(these, { session }).toArray();
    if (rows.length === 0) return { rows: 0, bytes: 0 };
    await database.archivedOperations.insertMany(rows, { session });
    await database.operations.deleteMany(these, { session });
    return { rows: rows.length, bytes: rows.reduce((sum, row) => sum + BSON.calculateObjectSize(row), 0) };
  });
