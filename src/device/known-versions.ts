import { type SqliteDatabase, select } from './sqlite-port.ts';

/** One counted line, as the server keys it. */
export type LineKey = readonly [sessionId: string, itemCode: string, location: string];

/** The line that a count is about, trimmed as the server does; null when the payload names none. */
export function lineOf(operation: string, payload: unknown): LineKey | null {
  if (operation !== 'count_update' || !isObject(payload)) return null;
  const { session_id: sessionId, item_code: itemCode, location = '' } = payload;
  if (typeof sessionId !== 'string' || typeof itemCode !== 'string' || typeof location !== 'string')
    return null;
  return [sessionId.trim(), itemCode.trim(), location.trim()];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export interface LearnedVersion {
  line: LineKey;
  version: number;
  /** Only rows enqueued after this one may claim to have been counted on top of the version. */
  afterRowId: number;
}

/** Remembers what the server said about lines; of two about one line the later one counts. */
export async function learnVersions(db: SqliteDatabase, learned: readonly LearnedVersion[]): Promise<void> {
  if (learned.length === 0) return;
  await db.run(
    `INSERT INTO sync_queue_lines (session_id, item_code, location, version, after_row_id)
     SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
            json_extract(value, '$[3]'), json_extract(value, '$[4]')
     FROM json_each(?) WHERE true
     ON CONFLICT DO UPDATE SET version = excluded.version, after_row_id = excluded.after_row_id`,
    [JSON.stringify(learned.map(({ line, version, afterRowId }) => [...line, version, afterRowId]))],
  );
}

/** Forgets the lines of sessions that ended: nothing is counted in them any more, and the table stays small. */
export async function forgetSessions(db: SqliteDatabase, sessionIds: readonly string[]): Promise<void> {
  if (sessionIds.length === 0) return;
  await db.run('DELETE FROM sync_queue_lines WHERE session_id IN (SELECT value FROM json_each(?))', [
    JSON.stringify(sessionIds),
  ]);
}

/** The version that each row was counted on top of, by row id; a row about an unknown line is missing. */
export async function knownVersions(
  db: SqliteDatabase,
  rows: readonly { id: number; line: LineKey }[],
): Promise<Map<number, number>> {
  if (rows.length === 0) return new Map();
  const found = await select<{ row_id: number; version: number }>(
    db,
    `SELECT json_extract(asked.value, '$[0]') AS row_id, known.version
     FROM json_each(?) AS asked
     JOIN sync_queue_lines AS known
       ON known.session_id = json_extract(asked.value, '$[1]')
      AND known.item_code = json_extract(asked.value, '$[2]')
      AND known.location = json_extract(asked.value, '$[3]')
      AND known.after_row_id < json_extract(asked.value, '$[0]')`,
    [JSON.stringify(rows.map(({ id, line }) => [id, ...line]))],
  );
  return new Map(found.map((row) => [row.row_id, row.version]));
}
