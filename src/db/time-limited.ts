import type { ClientSession, Collection, Document } from 'mongodb';

/** The server gives up a command after this long, error 50 (db/transient.ts); a socket waits longer (db/database.ts). */
export const MAX_TIME_MS = 10_000;

/** Where the options stand among a method's arguments. */
const ANSWERED_AT_ONCE: Readonly<Record<string, number>> = {
  findOne: 1,
  findOneAndUpdate: 2,
  findOneAndReplace: 2,
  findOneAndDelete: 1,
  insertOne: 1,
  insertMany: 1,
  updateOne: 2,
  updateMany: 2,
  replaceOne: 2,
  deleteOne: 1,
  deleteMany: 1,
  bulkWrite: 1,
  countDocuments: 1,
  distinct: 2,
};
const CURSORS: Readonly<Record<string, number>> = { find: 1, aggregate: 1 };

interface Options {
  session?: ClientSession;
  maxTimeMS?: number;
}

/**
 * The collection with `maxTimeMS` on every command that is answered at once, and on every read of a
 * transaction, unless the caller states another. A cursor outside of a transaction may run through millions of
 * documents, and the server adds up its time: who opens one states its limit. The driver has no setting for it:
 * `timeoutMS` does nothing in 7.9.
 */
export function timeLimited<T extends Document>(collection: Collection<T>): Collection<T> {
  return new Proxy(collection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args);
      const at = ANSWERED_AT_ONCE[name] ?? CURSORS[name];
      if (at === undefined) return (...args: unknown[]) => call(args);
      return (...args: unknown[]) => {
        const options = args[at] as Options | undefined;
        if (name in CURSORS && options?.session === undefined) return call(args);
        const limited = [...args];
        // What was left out stays undefined, as the driver takes it.
        limited.length = Math.max(args.length, at + 1);
        limited[at] = { maxTimeMS: MAX_TIME_MS, ...options };
        return call(limited);
      };
    },
  });
}
