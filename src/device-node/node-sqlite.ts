import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteRow } from '../device/sqlite-port.ts';

/** A connection for the device queue. */
export interface NodeSqlite extends SqliteDatabase {
  close(): void;
}

/** Opens `path` (or `:memory:`) with Node's own SQLite, statements prepared once. */
export function openNodeSqlite(path: string): NodeSqlite {
  const db = new DatabaseSync(path);
  const prepared = new Map<string, StatementSync>();

  function prepare(sql: string): StatementSync {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = db.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  }

  return {
    exec: (sql) => db.exec(sql),
    run: (sql, params) => prepare(sql).run(...params),
    all: (sql, params) => prepare(sql).all(...params) as SqliteRow[],
    close: () => db.close(),
  };
}
