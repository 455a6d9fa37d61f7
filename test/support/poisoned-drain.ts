// Drains one device in a process of its own that kills itself when it decides on the operation with POISON_ID.
// Started by test/integration/sync/poison.test.ts with MONGODB_URL, MONGODB_DB, DEVICE_ID and POISON_ID.
import { pino } from 'pino';
import { connectDatabase } from '../../src/db/database.ts';
import { decideChunk } from '../../src/domain/sync/decide-chunk.ts';
import { processSyncBatch } from '../../src/jobs/process-sync-batch.ts';

const { MONGODB_URL = '', MONGODB_DB = '', DEVICE_ID = '', POISON_ID } = process.env;
const database = await connectDatabase({ url: MONGODB_URL, dbName: MONGODB_DB });
await processSyncBatch(
  {
    database,
    timezone: 'UTC',
    maxCountAgeDays: 400,
    logger: pino({ level: 'silent' }),
    ring: async () => {},
    ringAt: async () => {},
    notifyOutbox: () => {},
    batchApplied: () => {},
    // The lease of the process that died before this one is over at once.
    suspectLeaseMs: 1,
    decide: (items, ...rest) => {
      if (items.some((item) => item.id === Number(POISON_ID))) process.kill(process.pid, 'SIGKILL');
      return decideChunk(items, ...rest);
    },
  },
  { v: 1, type: 'process-sync-batch', device_id: DEVICE_ID },
);
await database.client.close();
