import type { FindCursor } from 'mongodb';
import { DatabaseAway } from './away.ts';

/**
 * Every document of a cursor, in batches. A client that connects anew (reviving-client.ts) closes its cursors,
 * and the driver then ends a loop between two batches as if it were complete: here it throws DatabaseAway.
 */
export async function* wholeCursor<T>(cursor: FindCursor<T>): AsyncGenerator<T, void, undefined> {
  yield* cursor;
  // The id of a cursor that the server ended by itself is 0.
  if (cursor.killed || !cursor.id?.isZero()) throw new DatabaseAway('the cursor was closed before its end');
}
