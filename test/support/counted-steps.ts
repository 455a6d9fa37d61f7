// The engine's database with every command counted as it ends, commits too: what a kill point is made of.
import type { ClientSession, Collection, Document } from 'mongodb';
import type { Database } from '../../src/db/database.ts';

/** Is told the name of each step once it is done. */
export type StepTaken = (name: string) => void;

/** The same database; `taken` is called after each command on a collection and after each commit. */
export function countedSteps(database: Database, taken: StepTaken): Database {
  const counted = Object.entries(database).map(([name, member]) => [
    name,
    isCollection(member) ? countedCollection(name, member, taken) : member,
  ]);
  return { ...Object.fromEntries(counted), client: countedClient(database.client, taken) } as Database;
}

const isCollection = (member: unknown): member is Collection<Document> =>
  typeof member === 'object' && member !== null && 'collectionName' in member;

function countedCollection(name: string, collection: Collection<Document>, taken: StepTaken) {
  return new Proxy(collection, {
    get(target, method) {
      const value: unknown = Reflect.get(target, method, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const step = `${name}.${String(method)}`;
        const answer: unknown = Reflect.apply(value, target, args);
        if (answer instanceof Promise) return after(answer, () => taken(step));
        return isCursor(answer) ? countedCursor(answer, () => taken(step)) : answer;
      };
    },
  });
}

const isCursor = (answer: unknown): answer is { toArray(): Promise<unknown[]> } =>
  typeof answer === 'object' && answer !== null && 'toArray' in answer;

/** `sort` and `limit` answer the cursor itself, so its own `toArray` is replaced. */
function countedCursor<T extends { toArray(): Promise<unknown[]> }>(cursor: T, taken: () => void): T {
  const toArray = cursor.toArray.bind(cursor);
  cursor.toArray = () => after(toArray(), taken);
  return cursor;
}

function countedClient(client: Database['client'], taken: StepTaken): Database['client'] {
  return new Proxy(client, {
    get(target, name) {
      if (name !== 'withSession') return Reflect.get(target, name, target);
      return <T>(work: (session: ClientSession) => Promise<T>) =>
        target.withSession((session) => {
          const commit = session.commitTransaction.bind(session);
          session.commitTransaction = () => after(commit(), () => taken('commit'));
          return work(session);
        });
    },
  });
}

async function after<T>(step: Promise<T>, taken: () => void): Promise<T> {
  const answer = await step;
  taken();
  return answer;
}
