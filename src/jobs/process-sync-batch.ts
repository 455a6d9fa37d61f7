import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationResult } from '../contract/wire-types.ts';
import { releaseLease, renewLease, type Term, takeLease } from '../db/leases.ts';
import {
  BatchMovedOn,
  type ClaimedBatch,
  claimNextBatch,
  countContention,
  countStart,
  returnStart,
  startAlone,
} from '../db/sync/sync-batches.ts';
import { isContention, isTransient } from '../db/transient.ts';
import type { PayloadOf } from '../queues/definitions.ts';
import { applyItems, postpone, setAside } from './apply-items.ts';
import type { SyncDependencies } from './sync-dependencies.ts';

/** A drain ends after this long or this many batches and goes to the back, so that devices take turns. */
const MAX_DRAIN_MS = 2_000;
const MAX_BATCHES = 5;

/**
 * When a process dies, every batch that it was working on is suspect, and one operation of one of them is to
 * blame. Suspects therefore go one at a time over all processes: whoever dies now has named itself. The first
 * death was anybody's, the second that of a whole batch alone, the third that of one operation alone, which
 * is set aside (invariants S3, E3).
 */
const SUSPECTS = 'sync-suspects';
const MAX_SUSPECT_STARTS = 1;

/** Shorter than the 10 s after which the job of a dead process runs again. */
const SUSPECT_LEASE_MS = 5_000;

/**
 * A batch that meets only other writers in this many starts goes on one operation at a time; an operation that
 * does so alone in as many is answered `retry`, and what follows it gets one try until one is through. With the
 * pauses between starts (queues/definitions.ts) that is about 6 s and 20 s; a start is up to 20 runs of the
 * transaction. A database that is away or slow counts for nothing: others would fare no better.
 */
const MAX_CONTENDED_STARTS = 4;

/**
 * A dead process leaves up to eight suspects, each through in a fraction of a second. They wait here, and not in
 * the queue, whose pauses double: those made the last of them wait for half a minute.
 */
const SUSPECT_LOOK_MS = 100;

/** Others had their turns for longer than a dead one could keep it; the job is tried again. */
export class SuspectWaits extends Error {
  override name = 'SuspectWaits';
}

/** Applies one device's waiting batches in the order received, then makes room for other devices. */
export async function processSyncBatch(
  dependencies: SyncDependencies,
  { device_id }: PayloadOf<'process-sync-batch'>,
): Promise<void> {
  const until = performance.now() + MAX_DRAIN_MS;
  for (let batches = 0; batches < MAX_BATCHES && performance.now() < until; batches += 1) {
    const batch = await claimNextBatch(dependencies.database, device_id);
    if (!batch) return;
    const through = await applyBatch(dependencies, batch);
    // Another drainer of this device took over.
    if (!through) return;
  }
  await dependencies.ring({ v: 1, type: 'process-sync-batch', device_id });
}

async function applyBatch(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<boolean> {
  const startedAt = performance.now();
  // Claimed before without progress: a process died with it, or another drainer is at it.
  const term = batch.attempts > 1 ? await takeTurn(dependencies, batch) : undefined;
  try {
    while (batch.next_item < batch.items.length) {
      if (term) await applyAsSuspect(dependencies, batch, term);
      else if (isAlone(batch)) await applyOne(dependencies, batch);
      else await applyRest(dependencies, batch);
    }
  } catch (error) {
    if (error instanceof BatchMovedOn) return false;
    if (isTransient(error)) await noteTransient(dependencies, batch, error).catch(() => {});
    throw error;
  } finally {
    if (term) await releaseLease(dependencies.database, term).catch(() => {});
  }
  const verdicts = countVerdicts(batch.results);
  const durationMs = Math.round(performance.now() - startedAt);
  dependencies.batchApplied(batch._id, verdicts, durationMs / 1000);
  dependencies.logger.info(
    {
      batch_id: batch._id,
      device_id: batch.device_id,
      operations: batch.items.length,
      verdicts,
      duration_ms: durationMs,
    },
    'batch applied',
  );
  return true;
}

/** This process lives and the database failed: the operations are not to blame for this start. */
async function noteTransient(
  { database, logger }: SyncDependencies,
  batch: ClaimedBatch,
  error: unknown,
): Promise<void> {
  await returnStart(database, batch._id);
  if (!isContention(error)) return;
  await countContention(database, batch);
  if (isAlone(batch) || batch.contended_starts < MAX_CONTENDED_STARTS) return;
  logger.warn({ err: error, batch_id: batch._id }, 'batch met other writers; one operation at a time');
  await startAlone(database, batch);
}

async function takeTurn(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<Term> {
  const { database, suspectLeaseMs: ttlMs = SUSPECT_LEASE_MS } = dependencies;
  const until = performance.now() + ttlMs + SUSPECT_LOOK_MS;
  for (;;) {
    const term = await takeLease(database, { lease: SUSPECTS, holder: batch._id, ttlMs });
    if (term) return term;
    if (performance.now() > until) {
      throw new SuspectWaits(`batch ${batch._id} waits until another suspect is through`);
    }
    await sleep(SUSPECT_LOOK_MS);
  }
}

/** The next step of a suspect: whole once, then one operation at a time, each with a mark before it. */
async function applyAsSuspect(
  dependencies: SyncDependencies,
  batch: ClaimedBatch,
  term: Term,
): Promise<void> {
  const { database, suspectLeaseMs = SUSPECT_LEASE_MS } = dependencies;
  const died = batch.suspect_starts >= MAX_SUSPECT_STARTS;
  if (died && isAlone(batch)) {
    const item = batch.items[batch.next_item]!;
    await setAside(dependencies, batch, item, 'It ended its process three times.');
    return;
  }
  if (died) await startAlone(database, batch);
  // Before the mark: who lost the turn may be beside another suspect, and would be marked for its death.
  if (!(await renewLease(database, term, suspectLeaseMs))) {
    throw new SuspectWaits(`batch ${batch._id} lost its turn to another suspect`);
  }
  await countStart(database, batch, { suspect: true });
  if (isAlone(batch)) await applyOne(dependencies, batch);
  else await applyRest(dependencies, batch);
}

const isAlone = (batch: ClaimedBatch): boolean => batch.next_item < batch.isolate_until;

/** The rest of the batch in one transaction; when that throws, its operations go one by one. */
async function applyRest(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<void> {
  try {
    await applyItems(dependencies, batch, batch.items.slice(batch.next_item));
  } catch (error) {
    if (error instanceof BatchMovedOn || isTransient(error)) throw error;
    dependencies.logger.warn({ err: error, batch_id: batch._id }, 'batch failed; one operation at a time');
    await startAlone(dependencies.database, batch);
  }
}

/** The next operation in a transaction of its own; set aside when it fails for good, put off when others keep it back. */
async function applyOne(dependencies: SyncDependencies, batch: ClaimedBatch): Promise<void> {
  const item = batch.items[batch.next_item]!;
  if (batch.attempts === 0) await countStart(dependencies.database, batch, { suspect: false });
  try {
    await applyItems(dependencies, batch, [item]);
  } catch (error) {
    if (isContention(error) && batch.contended_starts + 1 >= MAX_CONTENDED_STARTS) {
      dependencies.logger.warn({ err: error, batch_id: batch._id, id: item.id }, 'operation put off');
      await postpone(dependencies, batch, item);
      return;
    }
    if (error instanceof BatchMovedOn || isTransient(error)) throw error;
    dependencies.logger.error({ err: error, batch_id: batch._id, id: item.id }, 'operation set aside');
    await setAside(dependencies, batch, item, error instanceof Error ? error.message : String(error));
  }
}

function countVerdicts(results: readonly OperationResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of results) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}
