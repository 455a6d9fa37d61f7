import type { CountLine } from '../contract/schemas/count-line.ts';
import type { Database } from '../db/database.ts';
import { markDirty } from '../db/dirty-periods.ts';
import { appendEvents } from '../db/outbox.ts';
import { readServerTime } from '../db/server-time.ts';
import { findItemLines, findLineById } from '../db/sessions/sessions.ts';
import { holdItemLines, writeLines } from '../db/sync/lines.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Actor } from '../domain/events/actor.ts';
import { lineEvent } from '../domain/events/item-events.ts';
import { itemFigures } from '../domain/sync/item-figures.ts';
import { dirtyDays } from '../domain/variance/dirty-days.ts';

export interface VoidDependencies {
  database: Database;
  timezone: string;
  notifyOutbox: () => void;
}

/**
 * Voids a line: it stays, counts nowhere any more, and the next count of it starts anew. Voiding a voided
 * line changes nothing. Returns the line, or null when there is none of this id in the session.
 */
export async function voidLine(
  dependencies: VoidDependencies,
  target: { session_id: string; line_id: string; reason: string },
  actor: Actor,
): Promise<CountLine | null> {
  const { database, timezone } = dependencies;
  const line = await inTransaction(database, async (session) => {
    const before = await findLineById(database, target.session_id, target.line_id, session);
    if (!before || before.voided_at) return before;
    const now = await readServerTime(database, session);
    const itemLines = await findItemLines(database, before, session);
    const after: CountLine = {
      ...before,
      version: before.version + 1,
      updated_at: now,
      voided_at: now,
      voided_by: actor.user_id,
      void_reason: target.reason,
    };
    const linesAfter = [...itemLines.filter((other) => other.id !== before.id), after];
    await holdItemLines(database, session, itemLines, [after]);
    await writeLines(database, session, [{ before, after }]);
    await appendEvents(database, session, [lineEvent(itemFigures(after, linesAfter), actor, now)], now);
    await markDirty(database, session, dirtyDays(itemLines, linesAfter, timezone), timezone);
    return after;
  });
  if (line) dependencies.notifyOutbox();
  return line;
}
