// Racing upserts. When an upsert outside a transaction loses the race for its key, the engine changes the right
// document but answers as if it had inserted; findAndModify even returns a document that was never stored, so
// several callers each believe that they won. Under REPEATABLE READ the engine reports the conflict instead,
// and the command runs again. Upserts of one key take turns, or 50 racers would need 50 rounds.
// Costs: an upsert of an existing key 634 a second instead of 1,071, one after the other.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Target } from './command.ts';
import { asDoc, type Doc, encode, isContainer } from './documents.ts';
import { CommandError, isWriteConflict } from './errors.ts';

const MAX_ROUNDS = 100;

export class UpsertTurns {
  readonly #pool: pg.Pool;
  readonly #lastInLine = new Map<string, Promise<void>>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Runs `write`, safely against other upserts when `updates` holds one and no transaction is open. */
  async run<T>(
    namespace: string,
    updates: readonly Doc[],
    target: Target,
    write: (target: Target) => Promise<T>,
  ): Promise<T> {
    if (target.transaction) return write(target);
    const keys = upsertKeys(namespace, updates);
    if (keys.length === 0) return write(target);
    return this.#inTurn(keys, () => this.#repeatOnConflict(target, write));
  }

  // The keys are sorted, so two commands that share several cannot wait for each other.
  async #inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const leave: (() => void)[] = [];
    try {
      for (const key of keys) {
        const before = this.#lastInLine.get(key);
        const { promise: mine, resolve } = Promise.withResolvers<void>();
        this.#lastInLine.set(key, mine);
        leave.push(() => {
          if (this.#lastInLine.get(key) === mine) this.#lastInLine.delete(key);
          resolve();
        });
        await before;
      }
      return await work();
    } finally {
      for (const step of leave) step();
    }
  }

  async #repeatOnConflict<T>(target: Target, write: (target: Target) => Promise<T>): Promise<T> {
    for (let round = 1; ; round++) {
      try {
        return await this.#inOwnTransaction(target, write);
      } catch (error) {
        if (round >= MAX_ROUNDS || !isWriteConflict(error)) throw error;
      }
      await sleep(Math.random() * Math.min(2 + round * 2, 30));
    }
  }

  async #inOwnTransaction<T>(target: Target, write: (target: Target) => Promise<T>): Promise<T> {
    const borrowed = target.client === this.#pool ? await this.#pool.connect() : null;
    const client = borrowed ?? target.client;
    let isBroken = false;
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const result = await write({ ...target, client });
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {
        isBroken = true;
      });
      throw error;
    } finally {
      borrowed?.release(isBroken);
    }
  }
}

/** MongoDB refuses $expr in the filter of an upsert; the engine would accept it. */
export function refuseUpsertWithExpr(updates: readonly Doc[]): void {
  for (const update of updates) {
    if (update['upsert'] && mentionsExpr(filterOf(update))) {
      throw new CommandError(224, '$expr is not allowed in the query predicate for an upsert');
    }
  }
}

function mentionsExpr(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(mentionsExpr);
  return (
    isContainer(value) && Object.entries(value).some(([key, inner]) => key === '$expr' || mentionsExpr(inner))
  );
}

function upsertKeys(namespace: string, updates: readonly Doc[]): string[] {
  const keys = updates
    .filter((update) => update['upsert'])
    .map((update) => {
      const filter = filterOf(update);
      const wanted = filter['_id'] ?? filter;
      return createHash('sha1').update(encode({ namespace, wanted })).digest('base64');
    });
  return [...new Set(keys)].sort();
}

function filterOf(update: Doc): Doc {
  return asDoc(update['q'] ?? update['query']);
}
