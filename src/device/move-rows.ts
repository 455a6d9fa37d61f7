import { nextState, type RowEvent, type RowState, statusOf } from './row-transitions.ts';
import type { SqliteDatabase } from './sqlite-port.ts';

/** Events that take many rows at once out of one state. */
const SOURCE_OF = {
  claimed: 'pending',
  released: 'syncing',
  reopened: 'syncing',
  backoff_over: 'waiting',
} as const satisfies Partial<Record<RowEvent, RowState>>;

/**
 * Moves those of the rows that stand where the event may happen; the others stay as they are. Within a
 * transaction.
 */
export async function moveRows(
  db: SqliteDatabase,
  event: keyof typeof SOURCE_OF,
  ids: readonly number[],
): Promise<void> {
  if (ids.length === 0) return;
  const source = SOURCE_OF[event];
  const target = nextState(source, event);
  if (target === null) return;
  await db.run(
    `UPDATE sync_queue SET status = ?
     WHERE status = ? AND id IN (SELECT value FROM json_each(?))`,
    [statusOf(target), statusOf(source), JSON.stringify(ids)],
  );
}
