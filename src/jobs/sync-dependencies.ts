import type { Database } from '../db/database.ts';
import type { decideChunk } from '../domain/sync/decide-chunk.ts';
import type { JobPayload } from '../queues/definitions.ts';
import type { Logger } from '../runtime/logger.ts';

/** What applying batches needs of the process it runs in. */
export interface SyncDependencies {
  database: Database;
  timezone: string;
  maxCountAgeDays: number;
  logger: Logger;
  ring: (payload: JobPayload) => Promise<void>;
  ringAt: (at: Date) => Promise<void>;
  notifyOutbox: () => void;
  /** Tells waiting uploads that a batch is through, and counts its verdicts. */
  batchApplied: (batchId: string, verdicts: Readonly<Record<string, number>>, seconds: number) => void;
  /** A transaction runs again because others wrote at the same time. */
  rerun?: () => void;
  /** The decision itself; tests put one here that fails. */
  decide?: typeof decideChunk;
  /** How long a suspect whose process died keeps the others waiting. Default 5 s. */
  suspectLeaseMs?: number;
}
