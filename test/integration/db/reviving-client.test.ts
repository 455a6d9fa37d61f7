// The driver's check of a server can hang for good when the server dies; the client then connects anew.
import { ObjectId } from 'mongodb';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { DatabaseAway } from '../../../src/db/away.ts';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { inTransaction, type Transaction } from '../../../src/db/transaction.ts';
import { wholeCursor } from '../../../src/db/whole-cursor.ts';

let database: Database;
let openings: number;

beforeEach(async () => {
  // Only what ticks: the driver's own timers must run.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  database = await connectDatabase({ url: inject('mongoUrl'), dbName: 'reviving' });
  openings = 0;
  database.client.on('topologyOpening', () => {
    openings += 1;
  });
});

afterEach(async () => {
  vi.useRealTimers();
  await database.client.close();
});

const ping = () => database.sessions.findOne({});
/** What the driver says when it begins a check of a server. */
const checkBegins = () =>
  database.client.emit('serverHeartbeatStarted', { connectionId: 'stuck:1', awaited: false } as never);

describe('a client whose check of a server does not end', () => {
  it('connects anew, and its collections go on', async () => {
    checkBegins();
    vi.advanceTimersByTime(20_000);
    expect(openings).toBe(0);
    vi.advanceTimersByTime(10_000);
    await vi.waitFor(() => expect(openings).toBe(1), { timeout: 10_000 });
    await vi.waitFor(ping, { timeout: 10_000 });
  });

  it('stays closed once it was closed', async () => {
    checkBegins();
    vi.advanceTimersByTime(30_000);
    await database.client.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expect(ping()).rejects.toThrow();
  });
});

describe('a cursor whose client connects anew between two batches', () => {
  it('does not end as if it were complete', async () => {
    await database.users.deleteMany({});
    await database.users.insertMany(Array.from({ length: 10 }, () => ({ _id: new ObjectId() })));
    let seen = 0;
    const readAll = async (): Promise<void> => {
      for await (const _user of wholeCursor(database.users.find({}, { batchSize: 5 }))) {
        seen += 1;
        if (seen < 5) continue;
        checkBegins();
        vi.advanceTimersByTime(30_000);
        await vi.waitFor(() => expect(openings).toBe(1), { timeout: 10_000 });
      }
    };
    await expect(readAll()).rejects.toThrow(DatabaseAway);
    expect(seen).toBe(5);
  });

  it('does not end as if nothing were there when it was closed before it began', async () => {
    const cursor = database.users.find({}, { batchSize: 5 });
    await cursor.close();
    await expect(wholeCursor(cursor).next()).rejects.toThrow(DatabaseAway);
  });

  it('hands over every document when nothing happens', async () => {
    const seen: unknown[] = [];
    for await (const user of wholeCursor(database.users.find({}, { batchSize: 3 }))) seen.push(user);
    expect(seen).toHaveLength(10);
    expect((await wholeCursor(database.users.find({ n: 'none' })).next()).done).toBe(true);
  });
});

describe('a transaction whose client connects anew in its middle', () => {
  const note = (session: Transaction) => database.users.updateOne({}, { $set: { n: 1 } }, { session });
  const revive = () => {
    checkBegins();
    vi.advanceTimersByTime(30_000);
  };
  const untilEnded = (session: Transaction) => vi.waitFor(() => expect(session.hasEnded).toBe(true));

  it.each<[string, (session: Transaction) => Promise<unknown>]>([
    [
      'before its next command',
      async (session) => {
        revive();
        await untilEnded(session);
        return note(session);
      },
    ],
    [
      'after its last command',
      async (session) => {
        revive();
        await untilEnded(session);
      },
    ],
    [
      'before a fault of its own',
      async (session) => {
        revive();
        await untilEnded(session);
        throw new RangeError('own');
      },
    ],
  ])('%s ends as if the database was away, and goes through later', async (_when, rest) => {
    const cut = inTransaction(database, async (session) => {
      await note(session);
      return rest(session);
    });
    await expect(cut).rejects.toThrow(DatabaseAway);
    await vi.waitFor(() => inTransaction(database, note), { timeout: 10_000 });
  });

  // The driver's abort races what follows here, so that either may be first.
  it.each<[string, (session: Transaction) => Promise<unknown>]>([
    ['beside its next command', note],
    ['beside its commit', async () => {}],
  ])('%s is committed, or ends as if the database was away', async (_when, rest) => {
    for (let round = 0; round < 10; round += 1) {
      const _id = new ObjectId();
      const work = async (session: Transaction) => {
        await database.users.insertOne({ _id }, { session });
        revive();
        await rest(session);
        return true;
      };
      const isCommitted = await inTransaction(database, work).catch((error: unknown) => {
        expect(error).toBeInstanceOf(DatabaseAway);
        return false;
      });
      await vi.waitFor(ping, { timeout: 10_000 });
      if (isCommitted) expect(await database.users.countDocuments({ _id })).toBe(1);
    }
  });
});

describe('a client whose checks end', () => {
  it('is left alone', async () => {
    for (let round = 0; round < 5; round += 1) {
      checkBegins();
      vi.advanceTimersByTime(20_000);
      database.client.emit('serverHeartbeatSucceeded', { connectionId: 'stuck:1' } as never);
    }
    expect(openings).toBe(0);
    await ping();
  });
});
