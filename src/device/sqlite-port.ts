/**
 * All that the queue needs of SQLite (3.38 or newer: RETURNING and JSON functions). Any driver fits with
 * a few lines, synchronous or not; `README.md` has two of them. Give the queue a connection of its own:
 * a statement that the app runs on it between two of ours would join our transaction.
 */
export interface SqliteDatabase {
  /** Runs one or more statements without parameters; what they answer is dropped. */
  exec(sql: string): unknown;
  /** Runs one statement with `?` parameters; what it answers is dropped. */
  run(sql: string, params: SqliteValue[]): unknown;
  /** Runs one statement with `?` parameters and answers its rows as objects, column by name. */
  all(sql: string, params: SqliteValue[]): SqliteRow[] | Promise<SqliteRow[]>;
}

export type SqliteValue = string | number | null;
export type SqliteRow = Record<string, SqliteValue>;

/** Rows of one statement; `Row` names the columns that the SQL selects. */
export async function select<Row extends SqliteRow>(
  db: SqliteDatabase,
  sql: string,
  params: SqliteValue[] = [],
): Promise<Row[]> {
  return (await db.all(sql, params)) as Row[];
}
