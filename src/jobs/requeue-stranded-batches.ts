import type { Database } from '../db/database.ts';
import { readServerTime } from '../db/server-time.ts';
import { findStrandedDevices } from '../db/sync/sync-batches.ts';
import type { Logger } from '../runtime/logger.ts';

export interface RequeueDependencies {
  database: Database;
  logger: Logger;
  ringAgain: (payload: { v: 1; type: 'process-sync-batch'; device_id: string }) => Promise<void>;
}

/** A batch that waited this long was probably never rung for, or its ring was lost. */
const STRANDED_AFTER_MS = 10_000;

/** Rings that are under way at once. */
const RINGS = 50;

/**
 * Rings again for every device whose batch waits in the inbox although it was received 10 s ago or earlier.
 * With the sweep of every 15 s (queues/stranded-sweep.ts) that is within a minute, also when Redis forgot this
 * job as well. A ring for a device whose job still waits changes nothing.
 */
export async function requeueStrandedBatches(dependencies: RequeueDependencies): Promise<number> {
  const { database, logger, ringAgain } = dependencies;
  const now = await readServerTime(database);
  const before = new Date(now.getTime() - STRANDED_AFTER_MS);
  const devices = await findStrandedDevices(database, before);
  for (let from = 0; from < devices.length; from += RINGS) {
    const some = devices.slice(from, from + RINGS);
    await Promise.all(some.map((device_id) => ringAgain({ v: 1, type: 'process-sync-batch', device_id })));
  }
  if (devices.length > 0) logger.info({ devices: devices.length }, 'stranded batches were rung again');
  return devices.length;
}
