import type { CountLine } from '../../../src/contract/schemas/count-line.ts';
import type { Database } from '../../../src/db/database.ts';
import { markDirty } from '../../../src/db/dirty-periods.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { dirtyDays } from '../../../src/domain/variance/dirty-days.ts';

/** Writes one line (new, changed or voided) with its dirty marks in one transaction, as the sync path does. */
export const writeLine = (database: Database, line: CountLine, zone: string): Promise<void> =>
  inTransaction(database, async (session) => {
    const { session_id, item_code, location } = line;
    const before = await database.lines.find({ session_id, item_code }, { session }).toArray();
    const after = [...before.filter((other) => other.location !== location), line];
    await database.lines.replaceOne(
      { session_id, item_code, location },
      { ...line },
      { session, upsert: true },
    );
    await markDirty(database, session, dirtyDays(before, after, zone), zone);
  });
