import type { SqliteDatabase } from './sqlite-port.ts';

/**
 * Who is last in line for a connection. Kept per connection and not per queue: a transaction belongs to
 * the connection, so two queues on the same one have to take turns as well.
 */
const lastInLine = new WeakMap<SqliteDatabase, Promise<void>>();

/** Runs `task` when everything asked for before on this connection has ended, well or badly. */
export function inTurn<T>(db: SqliteDatabase, task: () => Promise<T>): Promise<T> {
  const turn = (lastInLine.get(db) ?? Promise.resolve()).then(task);
  lastInLine.set(
    db,
    turn.then(
      () => undefined,
      () => undefined,
    ),
  );
  return turn;
}

/**
 * Runs `task` alone, inside one transaction: all of it is on disk when this resolves, none of it when
 * this rejects. `IMMEDIATE`, because a read that turns into a write later cannot wait for the lock.
 */
export function inTransaction<T>(db: SqliteDatabase, task: () => Promise<T>): Promise<T> {
  return inTurn(db, async () => {
    await db.exec('BEGIN IMMEDIATE');
    try {
      const result = await task();
      await db.exec('COMMIT');
      return result;
    } catch (error) {
      await rollBack(db);
      throw error;
    }
  });
}

async function rollBack(db: SqliteDatabase): Promise<void> {
  try {
    await db.exec('ROLLBACK');
  } catch {
    // SQLite ended the transaction by itself (disk full, I/O error); the first error is the one to tell.
  }
}
