import { randomUUID } from 'node:crypto';
import { Binary, type Collection } from 'mongodb';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { archiveOlder } from '../../../src/db/sync/ledger-archive.ts';
import { loadLedger, recordVerdicts, type SyncOperation } from '../../../src/db/sync/sync-operations.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import { contentHash, operationKey } from '../../../src/domain/sync/identity.ts';
import type { Figure, Proof } from '../proof.ts';

const OPERATIONS = 50_000;
const BATCH = 500;
const READS = 60;
const SOURCE = { device_id: 'phone', queue_epoch: 'e1' };
const RECORDED_AT = new Date('2020-01-01T00:00:00Z');

/** The archive is one more command with one more look per id. */
const MAX_READ_RATIO = 2.5;

const idsFrom = (first: number): number[] => Array.from({ length: BATCH }, (_, n) => first + n);

export const proof: Proof = {
  name: 'ledger-archive',
  letters: ['S2', 'E4'],
  about: `archiving ${OPERATIONS.toLocaleString('en')} operations, and what reading both collections costs`,
  run: async ({ services, report }) => {
    const dbName = `ledger_archive_${randomUUID()}`;
    const database = await connectDatabase({ url: services.mongoUrl, dbName });
    try {
      await ensureSchema(database);
      const indexed = database.db.collection<SyncOperation>('indexed');
      const plain = database.db.collection<SyncOperation>('plain');
      await indexed.createIndex({ at: 1 }, { name: 'at' });
      const index = await fill(database, { indexed, plain });
      report('recorded');
      const archived = await archive(database);
      report('archived');
      return [...archived, ...(await readBoth(database)), index];
    } finally {
      await database.db.dropDatabase();
      await database.client.close();
    }
  },
};

/** Fills the ledger, and times the same rows with and without an index on their time. */
async function fill(
  database: Database,
  { indexed, plain }: Record<'indexed' | 'plain', Collection<SyncOperation>>,
): Promise<Figure> {
  const ms = { indexed: [] as number[], plain: [] as number[] };
  for (let first = 1; first <= OPERATIONS; first += BATCH) {
    const ledger = idsFrom(first).map((id) => ({
      id,
      content: contentHash(String(id)),
      verdict: 'applied' as const,
    }));
    await inTransaction(database, (session) =>
      recordVerdicts(database, session, SOURCE, ledger, RECORDED_AT),
    );
    const at = new Date(RECORDED_AT.getTime() + first);
    for (const [name, collection] of [
      ['plain', plain],
      ['indexed', indexed],
    ] as const) {
      const rows = ledger.map(({ id, content }) => ({
        _id: new Binary(operationKey(SOURCE.device_id, SOURCE.queue_epoch, id)),
        content: new Binary(content),
        verdict: 'applied' as const,
        at,
      }));
      const insert = () => inTransaction(database, (session) => collection.insertMany(rows, { session }));
      ms[name].push(await msOf(insert));
    }
  }
  const value = median(ms.indexed) / median(ms.plain);
  return { name: 'recording with an index on the time ÷ without', value, unit: '' };
}

async function archive(database: Database): Promise<Figure[]> {
  const startedAt = performance.now();
  const { rows } = await archiveOlder(database, new Date(RECORDED_AT.getTime() + 1));
  const seconds = (performance.now() - startedAt) / 1000;
  const left = await database.operations.countDocuments();
  const there = await database.archivedOperations.countDocuments();
  return [
    { name: 'operations archived', value: rows, unit: '', atLeast: OPERATIONS, atMost: OPERATIONS },
    {
      name: 'operations in both or neither',
      value: Math.abs(OPERATIONS - left - there),
      unit: '',
      atMost: 0,
    },
    { name: 'archived a second', value: rows / seconds, unit: 'rows/s' },
  ];
}

/** Half of the ids are archived, the others are new. The one collection alone is the one that has rows. */
async function readBoth(database: Database): Promise<Figure[]> {
  const ms = { both: [] as number[], one: [] as number[] };
  const ids = idsFrom(OPERATIONS - BATCH / 2 + 1);
  let found = 0;
  for (let n = 0; n < READS; n += 1) {
    await inTransaction(database, async (session) => {
      // The first command of a transaction opens it.
      await database.settings.findOne({}, { session });
      const one = () => {
        const keys = ids.map((id) => new Binary(operationKey(SOURCE.device_id, SOURCE.queue_epoch, id)));
        return database.archivedOperations.find({ _id: { $in: keys } }, { session }).toArray();
      };
      ms.one.push(await msOf(one));
      const both = async () => {
        found = (await loadLedger(database, session, SOURCE, ids)).size;
      };
      ms.both.push(await msOf(both));
    });
  }
  return [
    { name: 'archived verdicts found, of 250', value: found, unit: '', atLeast: 250, atMost: 250 },
    { name: 'verdicts of 500 operations, one collection', value: median(ms.one), unit: 'ms' },
    { name: 'verdicts of 500 operations, both', value: median(ms.both), unit: 'ms' },
    {
      name: 'both ÷ one',
      value: median(ms.both) / median(ms.one),
      unit: '',
      atMost: MAX_READ_RATIO,
    },
  ];
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
