import type { ClientSession, Filter } from 'mongodb';
import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { Resolution } from '../../contract/wire-types.ts';
import type { Database } from '../database.ts';
import { loadActiveLocks } from '../locks/load-active-locks.ts';
import { decodeCursor, encodeCursor, type Page, type PageRequest, pageOf } from '../page.ts';
import { LINE_FIELDS } from '../sync/lines.ts';

/** A conflict with what the server holds today. */
export interface ConflictView {
  conflict: SyncConflict;
  line: CountLine | undefined;
  lock: ItemLock | undefined;
}

/** The conflict, or null. */
export const findConflict = (
  database: Database,
  conflictId: string,
  session?: ClientSession,
): Promise<SyncConflict | null> =>
  database.conflicts.findOne(
    { conflict_id: conflictId },
    { projection: { _id: 0 }, ...(session ? { session } : {}) },
  ) as Promise<SyncConflict | null>;

/** How many other conflicts of that item and session are pending. */
export const countOtherPending = (
  database: Database,
  conflict: SyncConflict,
  session: ClientSession,
): Promise<number> =>
  database.conflicts.countDocuments(
    {
      session_id: conflict.session_id,
      item_code: conflict.item_code,
      status: 'pending',
      conflict_id: { $ne: conflict.conflict_id },
    },
    { session },
  );

export interface ConflictFilter {
  status?: 'pending' | 'resolved' | undefined;
  session_id?: string | undefined;
  item_code?: string | undefined;
  conflict_type?: SyncConflict['conflict_type'] | undefined;
}

/** One page of conflicts, oldest first, each with today's line and lock: three queries a page. */
export async function listConflicts(
  database: Database,
  wanted: ConflictFilter,
  page: PageRequest,
): Promise<Page<ConflictView>> {
  const filter: Filter<SyncConflict> = { conflict_id: { $exists: true } };
  if (wanted.status) filter.status = wanted.status;
  if (wanted.session_id !== undefined) filter.session_id = wanted.session_id;
  if (wanted.item_code !== undefined) filter.item_code = wanted.item_code;
  if (wanted.conflict_type) filter.conflict_type = wanted.conflict_type;
  const total = await database.conflicts.countDocuments(filter);
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, ['number', 'string']);
  if (after) {
    const at = new Date(after[0] as number);
    filter.$or = [{ created_at: { $gt: at } }, { created_at: at, conflict_id: { $gt: after[1] as string } }];
  }
  const found = await database.conflicts
    .find(filter, { projection: { _id: 0 } })
    .sort({ created_at: 1, conflict_id: 1 })
    .limit(page.limit + 1)
    .toArray();
  const result = pageOf(found, page.limit, total, (conflict) =>
    encodeCursor([conflict.created_at.getTime(), conflict.conflict_id]),
  );
  return { ...result, rows: await withServerSide(database, result.rows) };
}

/** Adds today's lines and locks to conflicts. */
export async function withServerSide(
  database: Database,
  conflicts: readonly SyncConflict[],
): Promise<ConflictView[]> {
  if (conflicts.length === 0) return [];
  const [lines, locks] = await Promise.all([
    database.lines
      .find(
        {
          $or: conflicts.map(({ session_id, item_code, location }) => ({
            session_id,
            item_code,
            location,
            version: { $exists: true },
          })),
        },
        { projection: LINE_FIELDS },
      )
      .toArray(),
    loadActiveLocks(
      database,
      undefined,
      conflicts.map((conflict) => conflict.item_code),
    ),
  ]);
  const key = (of: Pick<CountLine, 'session_id' | 'item_code' | 'location'>) =>
    `${of.session_id}\n${of.item_code}\n${of.location}`;
  const byKey = new Map(
    lines.filter((line) => line.voided_at === undefined).map((line) => [key(line), line]),
  );
  return conflicts.map((conflict) => ({
    conflict,
    line: byKey.get(key(conflict)),
    lock: locks.get(conflict.item_code),
  }));
}

/** How these conflicts were resolved; pending ones are absent. */
export async function findResolutions(
  database: Database,
  conflictIds: readonly string[],
): Promise<Map<string, Resolution>> {
  if (conflictIds.length === 0) return new Map();
  const rows = await database.conflicts
    .find(
      { conflict_id: { $in: [...conflictIds] }, status: 'resolved' },
      { projection: { conflict_id: 1, resolution: 1 } },
    )
    .toArray();
  return new Map(rows.map((row) => [row.conflict_id, row.resolution!]));
}
