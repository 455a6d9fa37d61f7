import type { ClientSession } from 'mongodb';
import type { Database } from './database.ts';

/**
 * MongoDB's clock, the only one that decides anything. Inside a transaction the value is that of the
 * command, not of the transaction.
 */
export async function readServerTime(database: Database, session?: ClientSession): Promise<Date> {
  // A collection of our own with one document: `hello` is refused inside a transaction.
  const [row] = await database.settings
    .aggregate<{ now: Date }>(
      [{ $match: { _id: 'clock' } }, { $project: { _id: 0, now: '$$NOW' } }],
      session ? { session } : {},
    )
    .toArray();
  if (!row)
    throw new Error('engine_settings has no "clock" document: the start-up of the schema did not run');
  return row.now;
}
