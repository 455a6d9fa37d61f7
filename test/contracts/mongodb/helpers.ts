import { randomUUID } from 'node:crypto';
import { type ClientSession, type Collection, type Document, MongoError } from 'mongodb';
import { expect } from 'vitest';
import type { TestDatabase } from '../../support/test-database.ts';

export type CurrentDatabase = () => TestDatabase;

/** Documents with ids of the test's own choice. */
export interface Row extends Document {
  _id: string | number;
}

/** An empty collection that exists: MongoDB makes none inside a transaction without taking extra locks. */
export function freshCollection<T extends Document = Row>(database: TestDatabase): Promise<Collection<T>> {
  return database.db.createCollection<T>(`c_${randomUUID()}`);
}

/** Runs `work` in one session and ends the session. */
export async function withSession<T>(
  { client }: TestDatabase,
  work: (session: ClientSession) => Promise<T>,
): Promise<T> {
  const session = client.startSession();
  try {
    return await work(session);
  } finally {
    if (session.inTransaction()) await session.abortTransaction().catch(() => {});
    await session.endSession();
  }
}

/** The MongoDB error with which a call fails; fails the test where the call succeeds. */
export async function errorOf(call: Promise<unknown>): Promise<MongoError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MongoError);
  return error as MongoError;
}

/** `count` rows with the ids 0, 1, 2 … */
export function rows(count: number): Row[] {
  return Array.from({ length: count }, (_, index) => ({ _id: index }));
}

export const NO_SUCH_TRANSACTION = 251;
export const WRITE_CONFLICT = 112;
export const DUPLICATE_KEY = 11000;
export const TRANSIENT = 'TransientTransactionError';
