import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Document, ObjectId } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { MIGRATIONS } from '../../../src/db/migrations/migrations.ts';
import { previewMigration, runMigration } from '../../../src/db/migrations/run-migration.ts';
import { freshDatabase, type TestDatabase } from '../../support/test-database.ts';

const MANY = 100_000;
/** "In seconds": measured 1.5 to 2 s with DocumentDB; the rest is room for a busy machine. */
const LIMIT_MS = 30_000;

const [sessionDefaults, userFields] = MIGRATIONS;
if (!sessionDefaults || !userFields) throw new Error('a migration is missing');

let fresh: TestDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase();
  // The deployed app's name, to show that its rows are safe.
  database = await connectDatabase({ url: fresh.url, dbName: fresh.name, sessionsCollection: 'sessions' });
});

afterAll(async () => {
  await database?.client.close();
  await fresh?.drop();
});

beforeEach(async () => {
  for (const name of ['sessions', 'users', 'engine_migrations'])
    await fresh.db.collection(name).deleteMany({});
});

const sessions = () => fresh.db.collection<Document>('sessions');
const users = () => fresh.db.collection<Document>('users');
const record = (id: string) => fresh.db.collection<{ _id: string }>('engine_migrations').findOne({ _id: id });

describe('the defaults of count sessions', () => {
  it('fill 100,000 documents in seconds, and nothing the second time', async () => {
    await insertMany(MANY, (index) => ({ id: `s-${index}`, warehouse: 'Main', status: 'OPEN' }));
    const startedAt = performance.now();
    const batches: number[] = [];
    const changed = await runMigration(database, sessionDefaults, (progress) =>
      batches.push(progress.changed),
    );
    const elapsedMs = performance.now() - startedAt;
    expect(changed).toBe(MANY);
    expect(batches.at(-1)).toBe(MANY);
    expect(batches.length).toBeGreaterThan(10);
    expect(elapsedMs).toBeLessThan(LIMIT_MS);
    expect(
      await sessions().countDocuments({ offline_created: false, sync_status: 'synced', conflict_items: [] }),
    ).toBe(MANY);

    expect(await runMigration(database, sessionDefaults)).toBe(0);
    expect(await record(sessionDefaults.id)).toMatchObject({
      collection: 'sessions',
      runs: 2,
      documents_changed: MANY,
    });
  });

  it('keep what is there: other fields, values, null, ids of any type', async () => {
    const rows: Document[] = [
      { _id: 'offline_1', offline_id: 'offline_1', sync_status: 'conflict', conflict_items: ['4711'] },
      { _id: new ObjectId(), notes: null, sync_status: null },
      { _id: 7, offline_created: true, created_offline: true },
      { _id: 'whole', offline_created: true, sync_status: 'pending', conflict_items: ['1'] },
    ];
    await sessions().insertMany(rows);
    expect(await previewMigration(database, sessionDefaults)).toBe(3);
    expect(await runMigration(database, sessionDefaults)).toBe(3);
    const after = new Map((await sessions().find().toArray()).map((row) => [String(row['_id']), row]));
    for (const row of rows) {
      const filled = { offline_created: false, sync_status: 'synced', conflict_items: [], ...row };
      expect(after.get(String(row['_id']))).toEqual(filled);
    }
  });

  it('finish what a killed run left, and fill what was made since', async () => {
    await insertMany(5_000, (index) => ({ id: `s-${index}` }));
    const killed = new Error('killed');
    await expect(
      runMigration(database, sessionDefaults, ({ changed }) => {
        if (changed > 0) throw killed;
      }),
    ).rejects.toBe(killed);
    expect(await record(sessionDefaults.id)).toBeNull();
    const left = await previewMigration(database, sessionDefaults);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(5_000);
    expect(await runMigration(database, sessionDefaults)).toBe(left);
    await insertMany(3, (index) => ({ id: `later-${index}` }));
    expect(await runMigration(database, sessionDefaults)).toBe(3);
  });

  it('may run twice at once', async () => {
    await insertMany(5_000, (index) => ({ id: `s-${index}` }));
    const changed = await Promise.all([
      runMigration(database, sessionDefaults),
      runMigration(database, sessionDefaults),
    ]);
    expect(changed[0] + changed[1]).toBe(5_000);
    expect(await previewMigration(database, sessionDefaults)).toBe(0);
  });
});

describe('npm run migrate', () => {
  const script = join(fileURLToPath(new URL('../../..', import.meta.url)), 'scripts', 'migrate.ts');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [script, ...args], {
      env: {
        ...process.env,
        MONGODB_URL: fresh.url,
        REDIS_URL: inject('redisUrl'),
        JWT_SECRET: 'a secret of the tests, long enough',
        COUNT_SESSIONS_COLLECTION: 'sessions',
      },
    });

  beforeEach(async () => {
    await sessions().insertOne({ id: 's-1' });
    await users().insertOne({ username: 'mira', pin_hash: 'x', failed_auth_attempts: 2 });
  });

  it('leaves the users alone', async () => {
    const { stdout } = await run();
    expect(stdout).toMatch(/0001-count-session-defaults +sessions +1 documents filled in/);
    expect(stdout).not.toContain('users');
    expect(await users().findOne({}, { projection: { _id: 0 } })).toEqual({
      username: 'mira',
      pin_hash: 'x',
      failed_auth_attempts: 2,
    });
  });

  it('fills the users when a person says so', async () => {
    await run('--users');
    expect(await users().findOne({}, { projection: { _id: 0 } })).toEqual({
      username: 'mira',
      pin_hash: 'x',
      failed_auth_attempts: 2,
      password_changed_at: null,
      pin_changed_at: null,
      last_failed_auth_at: null,
    });
    expect(await runMigration(database, userFields)).toBe(0);
  });

  it('only counts in a dry run', async () => {
    const { stdout } = await run('--users', '--dry-run');
    expect(stdout).toMatch(/sessions +1 documents would be filled\n.*users +1 documents would be filled/);
    expect(await previewMigration(database, sessionDefaults)).toBe(1);
    expect(await record(sessionDefaults.id)).toBeNull();
  });

  it('refuses an unknown flag', async () => {
    await expect(run('--user')).rejects.toMatchObject({ code: 2 });
  });
});

async function insertMany(count: number, row: (index: number) => Document): Promise<void> {
  const page = 10_000;
  for (let from = 0; from < count; from += page) {
    const size = Math.min(page, count - from);
    await sessions().insertMany(Array.from({ length: size }, (_, index) => row(from + index)));
  }
}
