// A worker process of the engine's queues that kills itself when it records the end of the lock of POISON_ITEM.
// Jobs of dead processes are taken up again after a second. Started by test/integration/dead-letters/sweeps.test.ts.
import { pino } from 'pino';
import { connectDatabase, type Database } from '../../src/db/database.ts';
import { endDueLocks } from '../../src/jobs/end-due-locks.ts';
import { guardSweeps } from '../../src/jobs/guard-sweeps.ts';
import { createWorkers } from '../../src/queues/workers.ts';

const { MONGODB_URL = '', MONGODB_DB = '', REDIS_URL = '', QUEUE_PREFIX = '', POISON_ITEM } = process.env;
const connected = await connectDatabase({ url: MONGODB_URL, dbName: MONGODB_DB });
const database: Database = {
  ...connected,
  lockHistory: new Proxy(connected.lockHistory, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const ends = name === 'insertMany' ? (args[0] as { item_code: string }[]) : [];
        if (ends.some((row) => row.item_code === POISON_ITEM)) process.kill(process.pid, 'SIGKILL');
        return Reflect.apply(value, target, args);
      };
    },
  }),
};
const guard = guardSweeps({ database });
const idle = async (): Promise<void> => {};
await createWorkers({
  redisUrl: REDIS_URL,
  prefix: QUEUE_PREFIX,
  handlers: {
    'process-sync-batch': idle,
    'roll-up-variance': idle,
    'backfill-variance': idle,
    'requeue-stranded-batches': idle,
    'end-due-locks': ({ type }) =>
      guard.run(type, async (careful) => {
        await endDueLocks({ database, notifyOutbox: () => {}, ringAt: idle }, careful);
      }),
  },
  stopping: new AbortController().signal,
  logger: pino({ level: 'silent' }),
  onSetAside: (job) => void guard.setAside(job),
  lockMs: 1_000,
}).start();
