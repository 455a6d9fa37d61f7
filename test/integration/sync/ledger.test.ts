// The ledger's archive: what was moved away still gives its first verdict.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Binary } from 'mongodb';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { archiveOlder } from '../../../src/db/sync/ledger-archive.ts';
import { loadLedger, recordVerdicts } from '../../../src/db/sync/sync-operations.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { contentHash, operationKey } from '../../../src/domain/sync/identity.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { openSession, type SyncEngine, said, syncEngine } from './sync-engine.ts';

let engine: SyncEngine;
beforeEach(async () => {
  engine = await syncEngine();
  await openSession(engine, 'S-1');
});
afterEach(() => engine.drop());

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
const dayOf = (instant: Date) => instant.toISOString().slice(0, 10);
const CUT = () => daysAgo(401);

/** Makes every row of the ledger as old as that. */
const age = (days: number) => engine.database.operations.updateMany({}, { $set: { at: daysAgo(days) } });
const rows = async () => ({
  ledger: await engine.database.operations.countDocuments(),
  archive: await engine.database.archivedOperations.countDocuments(),
});
const fill = async (count: number, device_id = 'filler') => {
  for (let from = 1; from <= count; from += 500) {
    const ids = Array.from({ length: Math.min(500, count - from + 1) }, (_, n) => from + n);
    await engine.upload(
      ids.map((id) => sent.count(id, id, { item_code: `item ${id}` })),
      { device_id },
    );
  }
};

/** Verdicts alone, without what they stand for. */
const record = async (count: number, source = { device_id: 'recorded', queue_epoch: 'e1' }) => {
  for (let from = 0; from < count; from += 1_000) {
    const ledger = Array.from({ length: Math.min(1_000, count - from) }, (_, n) => {
      const id = from + n + 1;
      return { id, content: contentHash(String(id)), verdict: 'applied' as const };
    });
    await inTransaction(engine.database, (session) =>
      recordVerdicts(engine.database, session, source, ledger, daysAgo(500)),
    );
  }
};

function command(...args: string[]): { child: ChildProcess; lines: string[]; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ['scripts/ledger.ts', ...args], {
    env: {
      PATH: process.env['PATH'],
      MONGODB_URL: inject('mongoUrl'),
      MONGODB_DB: engine.database.db.databaseName,
      REDIS_URL: inject('redisUrl'),
      JWT_SECRET: 'a-secret-of-the-tests-that-is-long-enough',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const input of [child.stdout!, child.stderr!]) {
    createInterface({ input }).on('line', (line) => lines.push(line));
  }
  return { child, lines, ended: once(child, 'close').then(([code]) => code as number | null) };
}
const run = async (...args: string[]) => {
  const { lines, ended } = command(...args);
  return { code: await ended, lines };
};

describe('an archived operation', () => {
  it('gets its first verdict, whatever that was, and its id stays taken', async () => {
    const operations = [
      sent.count(1, 7, { item_code: 'screw' }),
      sent.count(2, 99),
      sent.count(3, -1),
      sent.count(4, 5, { item_code: 'nut' }),
    ];
    const first = await engine.upload(operations);
    expect(said(first)).toEqual([
      'applied',
      'conflict update_conflict',
      'rejected invalid_payload',
      'applied',
    ]);
    await age(500);
    await archiveOlder(engine.database, CUT());
    expect(await rows()).toEqual({ ledger: 0, archive: 6 });
    const again = await engine.upload([...operations.slice(0, 3), sent.count(4, 6, { item_code: 'nut' })]);
    expect(said(again)).toEqual([
      'duplicate',
      'conflict update_conflict',
      'rejected invalid_payload',
      'rejected operation_id_reused',
    ]);
    expect(again[1]!.conflict_id).toBe(first[1]!.conflict_id);
    expect(again[2]!.message).toBe(first[2]!.message);
    expect(await rows()).toEqual({ ledger: 0, archive: 6 });
    const lines = await engine.database.lines.find({ item_code: { $in: ['screw', 'nut'] } }).toArray();
    expect(lines.map(({ counted_qty, version }) => [counted_qty, version])).toEqual([
      [7, 1],
      [5, 1],
    ]);
  });

  it('whose conflict was resolved since answers with the resolution', async () => {
    const [verdict] = await engine.upload([sent.count(1, 99)]);
    await age(500);
    await archiveOlder(engine.database, CUT());
    await engine.resolve(verdict!.conflict_id!, { resolution: 'keep_server' });
    expect(await engine.upload([sent.count(1, 99)])).toMatchObject([
      { verdict: 'duplicate', resolution: 'keep_server', conflict_id: verdict!.conflict_id },
    ]);
  });
});

describe('archiving', () => {
  it('leaves younger rows where they are, and done twice moves nothing more', async () => {
    await fill(3);
    await age(500);
    await fill(2, 'another');
    expect(await archiveOlder(engine.database, CUT())).toMatchObject({ rows: 5 });
    expect(await rows()).toEqual({ ledger: 2, archive: 5 });
    expect(await archiveOlder(engine.database, CUT())).toEqual({ rows: 0, bytes: 0 });
  });

  it('by two commands at once moves each row once', async () => {
    await record(2_500);
    const moved = await Promise.all([
      archiveOlder(engine.database, CUT()),
      archiveOlder(engine.database, CUT()),
    ]);
    expect(moved.reduce((sum, each) => sum + each.rows, 0)).toBe(2_500);
    expect(await rows()).toEqual({ ledger: 2, archive: 2_500 });
  });

  it('beside an engine at work gives every replay its first verdict', async () => {
    await fill(1_000);
    await age(500);
    const replay = (from: number) =>
      Array.from({ length: 100 }, (_, n) => {
        const id = from + n;
        return sent.count(id, id, { item_code: `item ${id}` });
      });
    let archived = false;
    const archiving = archiveOlder(engine.database, CUT()).then((totals) => {
      archived = true;
      return totals;
    });
    const verdicts = new Set<string>();
    let rounds = 0;
    while (!archived || rounds < 10) {
      const results = await engine.upload(replay(((rounds * 100) % 1_000) + 1), { device_id: 'filler' });
      for (const each of said(results)) verdicts.add(each);
      rounds += 1;
    }
    expect([...verdicts]).toEqual(['duplicate']);
    expect(await archiving).toMatchObject({ rows: 1_002 });
    expect(await rows()).toEqual({ ledger: 0, archive: 1_002 });
    expect(await engine.database.lines.distinct('version', { item_code: /^item/ })).toEqual([1]);
  });

  it('shows each row to every reader at every instant, in one of the two', async () => {
    const source = { device_id: 'many', queue_epoch: 'e1' };
    const { database } = engine;
    await record(10_000, source);
    // Of each page some: a row that is in neither collection for a moment is missed by somebody.
    const watched = Array.from({ length: 200 }, (_, n) => (n + 1) * 50);
    let archived = false;
    const seen = new Set<string>();
    const keys = watched.map((id) => new Binary(operationKey(source.device_id, source.queue_epoch, id)));
    const read = async (): Promise<void> => {
      while (!archived) {
        const [found, stored] = await inTransaction(database, async (session) => {
          const verdicts = await loadLedger(database, session, source, watched);
          const these = { _id: { $in: keys } };
          const left = await database.operations.countDocuments(these, { session });
          const moved = await database.archivedOperations.countDocuments(these, { session });
          return [verdicts.size, left + moved];
        });
        seen.add(`${found} found, ${stored} stored`);
      }
    };
    const archiving = archiveOlder(database, CUT()).finally(() => {
      archived = true;
    });
    await Promise.all([archiving, read(), read(), read(), read()]);
    expect(await archiving).toMatchObject({ rows: 10_000 });
    expect([...seen]).toEqual(['200 found, 200 stored']);
  });

  it('killed in the middle and run again loses nothing and moves nothing twice', async () => {
    await record(8_000);
    const keys = async () => {
      const { operations, archivedOperations } = engine.database;
      const all = [...(await operations.find().toArray()), ...(await archivedOperations.find().toArray())];
      return all.map((row) => `${Buffer.from(row._id.buffer).toString('hex')} ${row.verdict}`).sort();
    };
    const before = await keys();
    const { child, lines, ended } = command('archive', '--before', dayOf(CUT()));
    await expect.poll(() => lines.length, { timeout: 20_000, interval: 1 }).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await ended;
    const halfway = await rows();
    expect(halfway.archive).toBeGreaterThan(0);
    expect(halfway.ledger).toBeGreaterThan(2);
    expect(await keys()).toEqual(before);
    const again = await run('archive', '--before', dayOf(CUT()));
    expect(again.code).toBe(0);
    expect(again.lines.at(-1)).toMatch(/^[\d,]+ rows archived, [\d,]+ bytes of BSON, in \d/);
    expect(await rows()).toEqual({ ledger: 2, archive: 8_000 });
    expect(await keys()).toEqual(before);
  });
});

describe('npm run ledger', () => {
  it('refuses a day that is less than 400 days ago, and says which one is possible', async () => {
    await age(399);
    const { code, lines } = await run('archive', '--before', dayOf(daysAgo(399)));
    expect(lines).toEqual([
      `npm run ledger --: --before ${dayOf(daysAgo(399))} is less than 400 days ago; ` +
        `the latest day is ${dayOf(daysAgo(400))} by MongoDB's clock`,
    ]);
    expect(code).toBe(2);
    expect(await rows()).toEqual({ ledger: 2, archive: 0 });
  });

  it('counts without writing for --dry-run', async () => {
    await record(5);
    expect(await run('archive', '--before', dayOf(CUT()), '--dry-run')).toEqual({
      code: 0,
      lines: ['5 rows would be archived, nothing written'],
    });
    expect(await rows()).toEqual({ ledger: 7, archive: 0 });
  });

  it('tells rows, bytes and bytes per operation of the ledger and its archive', async () => {
    await record(5);
    await archiveOlder(engine.database, CUT());
    const { code, lines } = await run('stats');
    expect(code).toBe(0);
    const told = lines.join('\n');
    expect(told).toMatch(/^ledger rows +2$/m);
    expect(told).toMatch(/^ledger bytes +[\d,]+ \(data [\d,]+, index [\d,]+\)$/m);
    expect(told).toMatch(/^ledger bytes\/operation +\d+$/m);
    expect(told).toContain(`oldest row               ${new Date().toISOString().slice(0, 10)}`);
    expect(told).toMatch(/^archive rows +5$/m);
  });
});
