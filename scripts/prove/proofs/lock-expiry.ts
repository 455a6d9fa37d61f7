import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { startEngineProcess } from '../../../tools/processes/engine-process.ts';
import { percentile, readEnds, writeLocks } from '../expiring-locks.ts';
import type { Figure, Proof, ProofContext } from '../proof.ts';

const LOCKS = 10_000;
const SPREAD_MS = 60_000;
/** Writing them takes seconds, and the engine must first find them: its rings for them are lost. */
const LEAD_MS = 15_000;
const LATE_P99_MS = 250;
const AT_ONCE_S = 10;
const PATIENCE_MS = 120_000;

export const proof: Proof = {
  name: 'lock-expiry',
  letters: ['L6'],
  about: `${LOCKS} locks that run out, spread over ${SPREAD_MS / 1000} s and all at one instant, end in time, once`,
  run: async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'stock-verify-prove-'));
    const databaseName = `prove_${randomUUID().slice(0, 8)}`;
    const { mongoUrl, redisUrl } = context.services;
    const engine = await startEngineProcess(
      {
        mongoUrl,
        redisUrl,
        databaseName,
        redisPrefix: `{${databaseName}}`,
        jwtSecret: randomUUID(),
        timezone: 'UTC',
      },
      join(folder, 'engine.log'),
    );
    const database = await connectDatabase({ url: mongoUrl, dbName: databaseName });
    try {
      return [...(await spread(database, context)), ...(await atOnce(database, context))];
    } finally {
      await engine.stop();
      await database.db.dropDatabase();
      await database.client.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function spread(database: Database, { report }: ProofContext): Promise<Figure[]> {
  const begin = (await readServerTime(database)).getTime() + LEAD_MS;
  const ends = Array.from({ length: LOCKS }, (_, n) => new Date(begin + (n * SPREAD_MS) / LOCKS));
  await writeLocks(database, 'spread', ends);
  await expectAhead(database, begin, 'spread');
  report(`${LOCKS} locks run out within ${SPREAD_MS / 1000} s`);
  await ended(database, 'spread', begin + SPREAD_MS);
  const { endedOnce, recordedMs, toldMs } = await readEnds(database, 'spread');
  const late = (name: string, of: readonly number[], share: number, atMost?: number): Figure => ({
    name,
    value: percentile(of, share),
    unit: 'ms',
    ...(atMost === undefined ? {} : { atMost }),
  });
  return [
    { name: 'spread: ended exactly once', value: endedOnce, unit: 'locks', atLeast: LOCKS },
    late('spread: lateness p50', recordedMs, 0.5),
    late('spread: lateness p95', recordedMs, 0.95),
    late('spread: lateness p99', recordedMs, 0.99, LATE_P99_MS),
    late('spread: lateness max', recordedMs, 1),
    late('spread: event published p99', toldMs, 0.99),
  ];
}

async function atOnce(database: Database, { report }: ProofContext): Promise<Figure[]> {
  const instant = (await readServerTime(database)).getTime() + LEAD_MS;
  await writeLocks(
    database,
    'at once',
    Array.from({ length: LOCKS }, () => new Date(instant)),
  );
  await expectAhead(database, instant, 'at once');
  report(`${LOCKS} locks run out at one instant`);
  const seenAt = await ended(database, 'at once', instant);
  const { endedOnce } = await readEnds(database, 'at once');
  return [
    { name: 'at once: ended exactly once', value: endedOnce, unit: 'locks', atLeast: LOCKS },
    { name: 'at once: all ended after', value: (seenAt - instant) / 1000, unit: 's', atMost: AT_ONCE_S },
  ];
}

/** Preparation that took too long would measure itself. */
async function expectAhead(database: Database, first: number, what: string): Promise<void> {
  const leftMs = first - (await readServerTime(database)).getTime();
  // The sweep, which finds them, comes every 5 s.
  if (leftMs < 6_000)
    throw new Error(`writing the locks (${what}) left only ${leftMs} ms until the first end`);
}

/** Waits until every lock of the session has ended; the server's time when a reader saw it first. */
async function ended(database: Database, session_id: string, due: number): Promise<number> {
  for (;;) {
    const now = (await readServerTime(database)).getTime();
    if (now >= due) {
      const open = await database.lockHistory.countDocuments({ session_id, open: true });
      if (open === 0) return (await readServerTime(database)).getTime();
      if (now > due + PATIENCE_MS)
        throw new Error(`${open} locks did not end within ${PATIENCE_MS / 1000} s`);
    }
    await sleep(Math.min(250, Math.max(50, due - now)));
  }
}
