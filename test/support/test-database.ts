// A database and a Redis prefix of a test file's own, so that files run side by side.
import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { inject, onTestFinished } from 'vitest';

export interface TestDatabase {
  readonly client: MongoClient;
  readonly db: Db;
  /** The database's name. */
  readonly name: string;
  /** The server's URL with the database in its path, as MONGODB_URL takes it. */
  readonly url: string;
  /** Drops the database and closes the client. */
  drop(): Promise<void>;
}

/**
 * A connected client and an empty database. Call it in `beforeAll` and `drop` in `afterAll`.
 * Needs the project `integration`, which provides the server.
 */
export async function freshDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(inject('mongoUrl'));
  url.pathname = `/${name}`;
  const client = await new MongoClient(url.href, { maxPoolSize: 60 }).connect();
  const db = client.db(name);
  return {
    client,
    db,
    name,
    url: url.href,
    drop: async () => {
      await db.dropDatabase();
      await client.close();
    },
  };
}

/** A further client of the same server, closed when the running test ends. */
export async function anotherClient(url: string): Promise<MongoClient> {
  const client = await new MongoClient(url).connect();
  onTestFinished(() => client.close());
  return client;
}

/** A key prefix for BullMQ that no other test file has, with a hash tag, so that it also works on a cluster. */
export function freshRedisPrefix(): string {
  return `{test-${randomUUID()}}`;
}
