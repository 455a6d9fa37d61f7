// Items in dispute on the sync jobs, and a database whose transactions can be paused half-way.
import type { Document } from 'mongodb';
import type { Database } from '../../../src/db/database.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';

let nextId = 1_000_000_000;

export interface Dispute {
  session_id: string;
  item_code: string;
  conflict_id: string;
}

/** Another count of an item, by a device that never saw the line; returns its conflict's id, if it has one. */
export async function count(
  engine: SyncEngine,
  payload: { session_id: string; item_code: string; counted_qty: number } & Document,
  from: { device_id?: string; user_id?: string } = {},
) {
  const { counted_qty, ...rest } = payload;
  const [result] = await engine.upload([sent.count(nextId++, counted_qty, rest)], from);
  return result!;
}

/** A session of its own where phone B counted 10 of an item of its own and phone A 7, which is pending. */
export async function dispute(engine: SyncEngine, name: string): Promise<Dispute> {
  const key = { session_id: `S ${name}`, item_code: `I ${name}` };
  const start = sent.start(nextId++, { session_id: key.session_id });
  await engine.upload([start, sent.count(nextId++, 10, key)], { device_id: 'phone-B', user_id: 'bob' });
  const { conflict_id } = await count(engine, { ...key, counted_qty: 7 });
  return { ...key, conflict_id: conflict_id! };
}

/** The session's only line at no location. */
export const lineOf = (engine: SyncEngine, { session_id, item_code }: Omit<Dispute, 'conflict_id'>) =>
  engine.database.lines.findOne({ session_id, item_code, location: '' }, { projection: { _id: 0 } });

export interface Pause {
  database: Database;
  /** Resolves when the first transaction stands still, its snapshot read. */
  readonly reached: Promise<void>;
  goOn(): void;
}

/**
 * The same database, but the first one that reads the server's time in a transaction then stands still, as
 * a process does whose machine was put to sleep: its snapshot is older than whatever commits meanwhile.
 */
export function pausable(database: Database): Pause {
  const reached = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  let isFirst = true;
  const settings = new Proxy(database.settings, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'aggregate') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: Parameters<typeof target.aggregate>) => ({
        toArray: async () => {
          const rows = await target.aggregate(...args).toArray();
          if (isFirst) {
            isFirst = false;
            reached.resolve();
            await resumed.promise;
          }
          return rows;
        },
      });
    },
  });
  return { database: { ...database, settings }, reached: reached.promise, goOn: resumed.resolve };
}
