// Cursors live here, not in the engine: it hands out a continuation, an opaque document that says where to go
// on, and takes it back for the next page. So a cursor needs no connection of its own while nobody reads it.
import { Long } from 'bson';
import { type Command, type Reply, specOf, type Target } from './command.ts';
import type { Doc } from './documents.ts';
import { CommandError } from './errors.ts';
import { bytesOf, type Pools, queryRow } from './postgres-pools.ts';
import type { OpenTransaction } from './transactions.ts';

// MongoDB's cursorTimeoutMillis.
const IDLE_LIMIT_MS = 600_000;

interface Cursor {
  continuation: Buffer;
  readonly transaction: OpenTransaction | null;
  readonly expiry: NodeJS.Timeout;
}

type FirstPageFunction =
  | 'find_cursor_first_page'
  | 'aggregate_cursor_first_page'
  | 'list_collections_cursor_first_page'
  | 'list_indexes_cursor_first_page';

export class Cursors {
  readonly #open = new Map<string, Cursor>();

  /** Runs a reading command and keeps its cursor when there is more than one page. */
  async firstPage(query: FirstPageFunction, database: string, body: Doc, target: Target): Promise<Reply> {
    const [page, continuation, id] = await queryRow(
      target.client,
      `SELECT cursorpage::bytea, continuation::bytea, cursorid
         FROM documentdb_api.${query}($1, $2::bytea::documentdb_core.bson, 0)`,
      [database, specOf(body)],
    );
    if (continuation != null) this.#keep(String(id), bytesOf(continuation), target.transaction);
    return bytesOf(page);
  }

  async nextPage(command: Command, target: Target): Promise<Reply> {
    const id = String(command.body['getMore']);
    const cursor = this.#open.get(id);
    // A cursor belongs to its transaction: after the commit, or outside of it, it is unknown.
    if (!cursor || cursor.transaction !== target.transaction) {
      throw new CommandError(43, `cursor id ${id} not found`);
    }
    const [page, continuation] = await queryRow(
      target.client,
      `SELECT cursorpage::bytea, continuation::bytea
         FROM documentdb_api.cursor_get_more(
                $1, $2::bytea::documentdb_core.bson, $3::bytea::documentdb_core.bson)`,
      [command.database, specOf(withoutZeroBatch(command.body)), cursor.continuation],
    );
    if (continuation == null) this.forget(id);
    else {
      cursor.continuation = bytesOf(continuation);
      cursor.expiry.refresh();
    }
    return bytesOf(page);
  }

  async kill(body: Doc, pools: Pools): Promise<Doc> {
    const ids = Array.isArray(body['cursors']) ? body['cursors'].map(String) : [];
    const known = ids.filter((id) => this.#open.has(id));
    for (const id of known) this.forget(id);
    if (known.length > 0) {
      // Only the engine's files: a failure leaves them to its own clean-up after 600 s.
      const statement = 'SELECT documentdb_api_internal.delete_cursors($1::bigint[])';
      await queryRow(pools.plain, statement, [`{${known.join(',')}}`]).catch(() => {});
    }
    const asLongs = (list: string[]) => list.map((id) => Long.fromString(id));
    return {
      cursorsKilled: asLongs(known),
      cursorsNotFound: asLongs(ids.filter((id) => !known.includes(id))),
      cursorsAlive: [],
      cursorsUnknown: [],
      ok: 1,
    };
  }

  forget(id: string): void {
    const cursor = this.#open.get(id);
    if (!cursor) return;
    clearTimeout(cursor.expiry);
    cursor.transaction?.cursors.delete(id);
    this.#open.delete(id);
  }

  #keep(id: string, continuation: Buffer, transaction: OpenTransaction | null): void {
    const expiry = setTimeout(() => this.forget(id), IDLE_LIMIT_MS).unref();
    this.#open.set(id, { continuation, transaction, expiry });
    transaction?.cursors.add(id);
  }
}

// In a getMore a batch size of 0 means "no limit"; the engine would send empty pages for ever.
function withoutZeroBatch(body: Doc): Doc {
  if (Number(body['batchSize'] ?? 1) !== 0) return body;
  const { batchSize: _, ...rest } = body;
  return rest;
}
