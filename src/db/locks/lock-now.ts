import type { ClientSession } from 'mongodb';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { Database } from '../database.ts';
import { appendEvents } from '../outbox.ts';
import { readServerTime } from '../server-time.ts';
import { inTransaction } from '../transaction.ts';
import { type ChangedLock, forceRelease, releaseLock } from './release-lock.ts';
import { type LockRenewal, renewLock } from './renew-lock.ts';
import { type LockOutcome, type LockRequest, takeLocks } from './take-locks.ts';

/** `takeLocks` for one item in a transaction of its own, its events in the outbox. */
export const takeLockNow = (database: Database, request: LockRequest): Promise<LockOutcome> =>
  inTransaction(database, async (session) => {
    const outcome = (await takeLocks(database, session, [request]))[0]!;
    if (outcome.taken) await appendEvents(database, session, outcome.events, outcome.lock.locked_at);
    return outcome;
  });

/** `renewLock` in a transaction of its own. */
export const renewLockNow = (database: Database, renewal: LockRenewal): Promise<ItemLock | undefined> =>
  inOwnTransaction(database, (session) => renewLock(database, session, renewal));

/** `releaseLock` in a transaction of its own. */
export const releaseLockNow = (
  database: Database,
  release: Parameters<typeof releaseLock>[2],
): Promise<ItemLock | undefined> =>
  inOwnTransaction(database, (session) => releaseLock(database, session, release));

/** `forceRelease` in a transaction of its own. */
export const forceReleaseNow = (
  database: Database,
  force: Parameters<typeof forceRelease>[2],
): Promise<ItemLock | undefined> =>
  inOwnTransaction(database, (session) => forceRelease(database, session, force));

const inOwnTransaction = (
  database: Database,
  step: (session: ClientSession) => Promise<ChangedLock | undefined>,
): Promise<ItemLock | undefined> =>
  inTransaction(database, async (session) => {
    const done = await step(session);
    if (!done) return undefined;
    await appendEvents(database, session, done.events, await readServerTime(database, session));
    return done.lock;
  });
