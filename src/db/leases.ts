import type { ClientSession } from 'mongodb';
import type { Database } from './database.ts';
import { isDuplicateKey } from './duplicate-key.ts';
import { MAX_TIME_MS } from './time-limited.ts';

/** A role that one process holds at a time, such as the outbox publisher. */
export interface Lease {
  _id: string;
  holder: string;
  /** Grows with every change of holder; a holder writes only while its fence is the current one. */
  fence: number;
  expires_at: Date;
  /** The publisher's place in the stream (db/outbox-publishing.ts): kept here so that one write checks the fence and moves it. */
  epoch?: number;
  last_offset?: number;
  previous?: string;
}

/** One holding of a lease: what every write of the holder names. */
export interface Term {
  lease: string;
  fence: number;
}

/** Somebody else holds the lease by now; whatever was about to be written was not. */
export class LeaseLost extends Error {
  override name = 'LeaseLost';
  constructor(term: Term) {
    super(`The lease "${term.lease}" is no longer held under fence ${term.fence}.`);
  }
}

/** Takes the lease for `ttlMs` when it is free or expired by MongoDB's clock; undefined when it is held. */
export async function takeLease(
  database: Database,
  options: { lease: string; holder: string; ttlMs: number },
): Promise<Term | undefined> {
  const { lease, holder, ttlMs } = options;
  await ensureLease(database, lease);
  const taken = await database.leases.findOneAndUpdate(
    { _id: lease, $expr: { $lte: ['$expires_at', '$$NOW'] } },
    [{ $set: { holder, fence: { $add: ['$fence', 1] }, expires_at: after(ttlMs) } }],
    { returnDocument: 'after', maxTimeMS: MAX_TIME_MS },
  );
  return taken ? { lease, fence: taken.fence } : undefined;
}

/** Prolongs a term to `ttlMs` from now; false when another one began. An expired term that nobody took goes on. */
export async function renewLease(database: Database, term: Term, ttlMs: number): Promise<boolean> {
  const renewed = await database.leases.updateOne(
    { _id: term.lease, fence: term.fence },
    [{ $set: { expires_at: after(ttlMs) } }],
    { maxTimeMS: MAX_TIME_MS },
  );
  return renewed.matchedCount === 1;
}

/** Frees the lease at once, so that the next holder need not wait for its end. No effect on a later term. */
export async function releaseLease(database: Database, term: Term): Promise<void> {
  await database.leases.updateOne(
    { _id: term.lease, fence: term.fence },
    { $set: { expires_at: new Date(0) } },
    { maxTimeMS: MAX_TIME_MS },
  );
}

/**
 * Holds the lease document for the rest of the transaction: a taker that comes in between makes one of the
 * two fail. Throws LeaseLost when the term is over.
 */
export async function writeUnderLease(
  database: Database,
  session: ClientSession,
  term: Term,
  fields: Record<string, unknown>,
): Promise<Lease> {
  const written = await database.leases.findOneAndUpdate(
    { _id: term.lease, fence: term.fence },
    [{ $set: fields }],
    { session, returnDocument: 'after', maxTimeMS: MAX_TIME_MS },
  );
  if (!written) throw new LeaseLost(term);
  return written;
}

const after = (ms: number) => ({ $dateAdd: { startDate: '$$NOW', unit: 'millisecond', amount: ms } });

async function ensureLease(database: Database, lease: string): Promise<void> {
  try {
    await database.leases.updateOne(
      { _id: lease },
      { $setOnInsert: { holder: '', fence: 0, expires_at: new Date(0) } },
      { upsert: true, maxTimeMS: MAX_TIME_MS },
    );
  } catch (error) {
    // Two processes met at the very first take; the document is there, which is all that was wanted.
    if (!isDuplicateKey(error)) throw error;
  }
}
