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
const MAX_DEVICES = 1_000;

/** Rings again for every device whose batch waits in the inbox although it was received a while ago. */
export async function requeueStrandedBatches(dependencies: RequeueDependencies): Promise<number> {
  const { database, logger, ringAgain } = dependencies;
  const now = await readServerTime(database);
  const before = new Date(now.getTime() - STRANDED_AFTER_MS);
  const devices = await findStrandedDevices(database, before, MAX_DEVICES);
  for (const device_id of devices) await ringAgain({ v: 1, type: 'process-sync-batch', device_id });
  if (devices.length > 0) logger.info({ devices: devices.length }, 'stranded batches were rung again');
  return devices.length;
}
