import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { Database } from '../database.ts';
import { wholeCursor } from '../whole-cursor.ts';

/** A stored line with the deployed app's own marks. */
export type StoredLine = Pick<
  CountLine,
  'session_id' | 'item_code' | 'location' | 'counted_qty' | 'erp_qty' | 'unit_value' | 'category'
> &
  Pick<CountLine, 'variance_reason' | 'counted_at' | 'updated_at' | 'voided_at'> & {
    status?: string;
    approval_status?: string;
  };

/** All versioned lines, those of one session and item next to each other; read in batches, never held. */
export const readLinesByItem = (database: Database): AsyncIterable<StoredLine> =>
  wholeCursor(
    database.lines
      .find(
        { version: { $exists: true } },
        {
          sort: { session_id: 1, item_code: 1, location: 1 },
          batchSize: 2000,
          allowDiskUse: true,
          projection: {
            _id: 0,
            session_id: 1,
            item_code: 1,
            location: 1,
            counted_qty: 1,
            erp_qty: 1,
            unit_value: 1,
            category: 1,
            variance_reason: 1,
            counted_at: 1,
            updated_at: 1,
            voided_at: 1,
            status: 1,
            approval_status: 1,
          },
        },
      )
      .map((line) => line as StoredLine),
  );

/** The time of the earliest versioned line, counted or not. */
export async function findEarliestLine(database: Database): Promise<Date | undefined> {
  const line = await database.lines.findOne(
    { version: { $exists: true } },
    { sort: { counted_at: 1 }, projection: { counted_at: 1 } },
  );
  return line?.counted_at;
}
