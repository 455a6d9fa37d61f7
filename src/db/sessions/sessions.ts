import type { ClientSession, Filter } from 'mongodb';
import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { Database } from '../database.ts';
import { decodeCursor, encodeCursor, type Page, type PageRequest, pageOf } from '../page.ts';
import { LINE_FIELDS } from '../sync/lines.ts';
import { wholeCursor } from '../whole-cursor.ts';

/** A session that the deployed app made may lack the fields that `npm run migrate` adds. */
type StoredSession = Omit<CountSession, EnhancedField> & Partial<Pick<CountSession, EnhancedField>>;
type EnhancedField = 'offline_created' | 'sync_status' | 'conflict_items';

const withDefaults = (session: StoredSession): CountSession => ({
  ...session,
  offline_created: session.offline_created ?? false,
  sync_status: session.sync_status ?? 'synced',
  conflict_items: session.conflict_items ?? [],
});

/** The session, or null. */
export async function findSession(
  database: Database,
  sessionId: string,
  session?: ClientSession,
): Promise<CountSession | null> {
  const [found] = await findSessions(database, [sessionId], session);
  return found ?? null;
}

/** Those of the sessions that exist. */
export async function findSessions(
  database: Database,
  sessionIds: readonly string[],
  session?: ClientSession,
): Promise<CountSession[]> {
  const found = await database.sessions
    .find(
      { session_id: { $in: [...sessionIds] } },
      { projection: { _id: 0 }, ...(session ? { session } : {}) },
    )
    .toArray();
  return found.map(withDefaults);
}

export interface SessionFilter {
  status?: CountSession['status'] | undefined;
  sync_status?: CountSession['sync_status'] | undefined;
}

/** One page of sessions by id. */
export async function listSessions(
  database: Database,
  wanted: SessionFilter,
  page: PageRequest,
): Promise<Page<CountSession>> {
  const filter: Filter<CountSession> = {};
  if (wanted.status) filter.status = wanted.status;
  if (wanted.sync_status) filter.sync_status = wanted.sync_status;
  const total = await database.sessions.countDocuments(filter);
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, ['string']);
  if (after) filter.session_id = { $gt: after[0] as string };
  const found = await database.sessions
    .find(filter, { projection: { _id: 0 } })
    .sort({ session_id: 1 })
    .limit(page.limit + 1)
    .toArray();
  return pageOf(found.map(withDefaults), page.limit, total, (session) => encodeCursor([session.session_id]));
}

export interface LineFilter {
  item_code?: string | undefined;
  updated_since?: Date | undefined;
}

/** One page of a session's lines by item and location, voided ones too. */
export async function listLines(
  database: Database,
  sessionId: string,
  wanted: LineFilter,
  page: PageRequest,
): Promise<Page<CountLine>> {
  const filter: Filter<CountLine> = { session_id: sessionId, version: { $exists: true } };
  if (wanted.item_code !== undefined) filter.item_code = wanted.item_code;
  if (wanted.updated_since) filter.updated_at = { $gte: wanted.updated_since };
  const total = await database.lines.countDocuments(filter);
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, ['string', 'string']);
  if (after) {
    const [item_code, location] = after as [string, string];
    filter.$or = [{ item_code: { $gt: item_code } }, { item_code, location: { $gt: location } }];
  }
  const found = await database.lines
    .find(filter, { projection: LINE_FIELDS })
    .sort({ item_code: 1, location: 1 })
    .limit(page.limit + 1)
    .toArray();
  return pageOf(found, page.limit, total, (line) => encodeCursor([line.item_code, line.location]));
}

/** All lines of a session in order, one after the other: memory stays bounded whatever its size. */
export const streamLines = (database: Database, sessionId: string): AsyncIterable<CountLine> =>
  wholeCursor(
    database.lines
      .find({ session_id: sessionId, version: { $exists: true } }, { projection: LINE_FIELDS })
      .sort({ item_code: 1, location: 1 }),
  );

/** All lines of one item in one session, voided ones too. */
export const findItemLines = (
  database: Database,
  item: Pick<CountLine, 'session_id' | 'item_code'>,
  session: ClientSession,
): Promise<CountLine[]> =>
  database.lines
    .find(
      { session_id: item.session_id, item_code: item.item_code, version: { $exists: true } },
      { session, projection: LINE_FIELDS },
    )
    .toArray();

/** The line of that id in that session, or null. */
export const findLineById = (
  database: Database,
  sessionId: string,
  lineId: string,
  session: ClientSession,
): Promise<CountLine | null> =>
  database.lines.findOne(
    { session_id: sessionId, id: lineId, version: { $exists: true } },
    { session, projection: LINE_FIELDS },
  ) as Promise<CountLine | null>;

/** Those of the sessions in which staff count without seeing what others counted. */
export async function findBlindSessions(
  database: Database,
  sessionIds: readonly string[],
): Promise<string[]> {
  if (sessionIds.length === 0) return [];
  const rows = await database.sessions
    .find({ session_id: { $in: [...sessionIds] }, type: 'BLIND' }, { projection: { session_id: 1 } })
    .toArray();
  return rows.map((row) => row.session_id);
}
