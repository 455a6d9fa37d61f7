import { randomUUID } from 'node:crypto';
import { BSON } from 'mongodb';
import { connectDatabase, type Database } from '../../../src/db/database.ts';
import { ensureSchema } from '../../../src/db/schema/ensure-schema.ts';
import { readServerTime } from '../../../src/db/server-time.ts';
import { readLedgerStats } from '../../../src/db/sync/ledger-stats.ts';
import { recordVerdicts } from '../../../src/db/sync/sync-operations.ts';
import { inTransaction } from '../../../src/db/transaction.ts';
import type { ChunkPlan } from '../../../src/domain/sync/chunk.ts';
import { contentHash } from '../../../src/domain/sync/identity.ts';
import type { Figure, Proof } from '../proof.ts';

const OPERATIONS = 50_000;
const BATCH = 500;
const DEVICES = 20;

// `_id` and `content` 26 and 30 bytes, `verdict` 21, `at` 12, the document itself 5: 94 in all.
const MAX_APPLIED_ROW_BYTES = 96;
// With a conflict's code and id or a rejection's message about 160 more, on one row in ten.
const MAX_MEAN_ROW_BYTES = 120;
/**
 * What a server may take for a row and its key in the index of `_id`, all told. Both servers keep rows with a
 * head and their pages partly filled: twice the row's own bytes, and 80 for the index.
 */
const MAX_STORED_BYTES = 320;

type Row = ChunkPlan['ledger'][number];

/** As field work goes: 90 % applied, 8 % conflicts, 2 % rejected. */
function row(id: number, device: string): Row {
  const content = contentHash(`${device} ${id} count_update`);
  if (id % 50 === 0) {
    const message = 'payload.counted_qty: Too small: expected number to be >=0';
    return { id, content, verdict: 'rejected', code: 'invalid_payload', message };
  }
  if (id % 12 === 0) {
    return { id, content, verdict: 'conflict', code: 'update_conflict', conflict_id: randomUUID() };
  }
  return { id, content, verdict: 'applied' };
}

export const proof: Proof = {
  name: 'ledger-bytes',
  letters: ['E4'],
  about: `what the ledger keeps for ever of each operation, over ${OPERATIONS.toLocaleString('en')}`,
  run: async ({ services, report }) => {
    const dbName = `ledger_bytes_${randomUUID()}`;
    const database = await connectDatabase({ url: services.mongoUrl, dbName });
    try {
      await ensureSchema(database);
      await fill(database, report);
      return await figuresOf(database);
    } finally {
      await database.db.dropDatabase();
      await database.client.close();
    }
  },
};

async function fill(database: Database, report: (line: string) => void): Promise<void> {
  for (let done = 0; done < OPERATIONS; done += BATCH) {
    const device_id = `phone-${(done / BATCH) % DEVICES}`;
    const ledger = Array.from({ length: BATCH }, (_, n) => row(done + n + 1, device_id));
    await inTransaction(database, async (session) => {
      const at = await readServerTime(database, session);
      await recordVerdicts(database, session, { device_id, queue_epoch: 'e1' }, ledger, at);
    });
    if ((done + BATCH) % 10_000 === 0) report(`${(done + BATCH).toLocaleString('en')} operations recorded`);
  }
}

async function figuresOf(database: Database): Promise<Figure[]> {
  let bytes = 0;
  let appliedBytes = 0;
  // Read back, so that what is measured is what is stored.
  for await (const stored of database.operations.find()) {
    const size = BSON.calculateObjectSize(stored);
    bytes += size;
    if (stored.verdict === 'applied') appliedBytes = Math.max(appliedBytes, size);
  }
  const { ledger } = await readLedgerStats(database);
  const unit = 'bytes/operation';
  return [
    { name: 'operations recorded', value: ledger.rows, unit: '', atLeast: OPERATIONS, atMost: OPERATIONS },
    { name: 'BSON of an applied operation', value: appliedBytes, unit, atMost: MAX_APPLIED_ROW_BYTES },
    { name: 'BSON, mean of all verdicts', value: bytes / ledger.rows, unit, atMost: MAX_MEAN_ROW_BYTES },
    { name: 'stored data', value: ledger.data_bytes / ledger.rows, unit },
    { name: 'stored index', value: ledger.index_bytes / ledger.rows, unit },
    {
      name: 'stored, data and index',
      value: (ledger.data_bytes + ledger.index_bytes) / ledger.rows,
      unit,
      atMost: MAX_STORED_BYTES,
    },
  ];
}
