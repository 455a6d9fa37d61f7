// A process that enqueues and prints each id once it was acknowledged, until somebody kills it.
import { writeSync } from 'node:fs';
import { openSyncQueue } from '../../../src/device/sync-queue.ts';
import { openNodeSqlite } from '../../../src/device-node/node-sqlite.ts';

const queue = await openSyncQueue(openNodeSqlite(process.argv[2]!));
for (;;) {
  const payload = { session_id: 's1', item_code: 'A', counted_qty: 1, counted_at: 0 };
  const id = await queue.enqueue({ operation: 'count_update', entity_type: 'count_line', payload }, 'ann');
  writeSync(1, `${id}\n`);
  // Lets the reader's kill arrive between two rows as well as inside one.
  await new Promise((resolve) => setImmediate(resolve));
}
