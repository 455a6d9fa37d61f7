// Stores or applies batches in a process of its own that SIGKILLs itself after its step KILL_AFTER, and lists its
// steps when it comes through. Started by test/integration/sync/kill-points.test.ts.
import { pino } from 'pino';
import { connectDatabase } from '../../src/db/database.ts';
import { processSyncBatch } from '../../src/jobs/process-sync-batch.ts';
import { DEVICE, failingDecision, storeUpload } from '../integration/sync/kill-story.ts';
import { countedSteps } from './counted-steps.ts';

const { MONGODB_URL = '', MONGODB_DB = '', KILL_AFTER, WORK } = process.env;
const steps: string[] = [];
const taken = (name: string): void => {
  steps.push(name);
  if (steps.length === Number(KILL_AFTER)) process.kill(process.pid, 'SIGKILL');
};
const connected = await connectDatabase({ url: MONGODB_URL, dbName: MONGODB_DB });
const database = countedSteps(connected, taken);

/** Applies all that waits: on a slow machine a drain makes room for other devices before it is through. */
async function drainAll(): Promise<void> {
  let again = true;
  while (again) {
    again = false;
    await processSyncBatch(
      {
        database,
        timezone: 'Europe/Berlin',
        maxCountAgeDays: 4000,
        logger: pino({ level: 'silent' }),
        ring: async () => {
          again = true;
          taken('ring');
        },
        ringAt: async () => taken('ringAt'),
        notifyOutbox: () => taken('notifyOutbox'),
        batchApplied: () => taken('batchApplied'),
        suspectLeaseMs: 1,
        decide: failingDecision,
      },
      { v: 1, type: 'process-sync-batch', device_id: DEVICE },
    );
  }
}

if (WORK === 'upload') await storeUpload(database);
else await drainAll();
process.stdout.write(JSON.stringify(steps));
await connected.client.close();
