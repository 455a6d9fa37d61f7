import { randomUUID } from 'node:crypto';
import { Binary, type ClientSession } from 'mongodb';
import { batchContentHash, operationKey } from '../../domain/sync/identity.ts';
import type { Database } from '../database.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { readServerTime } from '../server-time.ts';
import { nextSeq } from '../sync/devices.ts';
import { newBatchRow } from '../sync/new-batch-row.ts';
import type { SyncBatch } from '../sync/sync-batches.ts';
import { loadLedger } from '../sync/sync-operations.ts';
import { inTransaction } from '../transaction.ts';
import { type Operator, recordAction } from './actions.ts';
import type { RedriveOutcome } from './redrive-outcome.ts';

/**
 * Sends an operation again that was set aside. In one transaction its row leaves the ledger, where it stood as
 * `operation_failed`, and a batch of its own is put behind those that its device has waiting: with the user,
 * role, `sent_at` and `received_at` of the batch it came in, so that its times come out the same. The usual
 * path then decides it, exactly once (invariants S1, E3), but never over a later value of its device
 * (domain/sync/decide-count.ts); one that fails again becomes a letter of its own.
 *
 * A letter that was redriven is left alone, except when its redrive was answered `retry`: nothing was recorded
 * then, and it may be sent once more. The caller rings the device.
 */
export const redriveOperation = (
  database: Database,
  letter: DeadLetter,
  operator: Operator,
): Promise<RedriveOutcome> =>
  inTransaction(database, async (session) => {
    const current = await database.deadLetters.findOne({ _id: letter._id }, { session });
    if (!current) return { state: 'unknown' };
    if (current.redriven_at && !(await wasAnsweredRetry(database, current, session))) {
      return { state: 'unchanged', letter: current };
    }
    const origin = await findOrigin(database, current, session);
    if (!origin) return GONE;
    const at = await readServerTime(database, session);
    const { device_id, queue_epoch } = origin.batch;
    const batchId = randomUUID();
    const redriven = { redriven_at: at, redriven_by: operator.by, redrive_batch_id: batchId };
    await database.deadLetters.updateOne({ _id: current._id }, { $set: redriven }, { session });
    await database.operations.deleteOne(
      {
        _id: new Binary(operationKey(device_id, queue_epoch, origin.item.id)),
        // Nothing else: another content, or a verdict that was reached, stays what it is (invariant S2).
        content: origin.item.content,
        verdict: 'rejected',
        code: 'operation_failed',
      },
      { session },
    );
    await storeAgain(database, origin, batchId, session);
    await recordAction(
      database,
      { letter_id: current._id, action: 'redriven', ...operator, at, letter: current },
      session,
    );
    return { state: 'redriven', letter: { ...current, ...redriven } };
  });

const GONE: RedriveOutcome = {
  state: 'gone',
  what: 'The batch of this operation was deleted, 30 days after it was applied.',
  remedy: 'Have the count made again on the device, then drop this letter.',
};

async function wasAnsweredRetry(
  database: Database,
  { redrive_batch_id, reference }: DeadLetter,
  session: ClientSession,
): Promise<boolean> {
  const batch = await database.batches.findOne(
    { _id: redrive_batch_id ?? '' },
    { session, projection: { results: 1 } },
  );
  if (batch) return batch.results[0]?.verdict === 'retry';
  // Deleted 30 days after it was answered: every verdict but `retry` stands in the ledger for ever.
  const device = { device_id: String(reference['device_id']), queue_epoch: String(reference['queue_epoch']) };
  const ledger = await loadLedger(database, session, device, [Number(reference['id'])]);
  return ledger.size === 0;
}

interface Origin {
  batch: SyncBatch;
  item: SyncBatch['items'][number];
  index: number;
}

async function findOrigin(
  database: Database,
  { reference }: DeadLetter,
  session: ClientSession,
): Promise<Origin | undefined> {
  const batch = await database.batches.findOne({ _id: String(reference['batch_id']) }, { session });
  const index = batch?.items.findIndex((item) => item.id === reference['id']) ?? -1;
  const item = batch?.items[index];
  return batch && item ? { batch, item, index } : undefined;
}

async function storeAgain(
  database: Database,
  { batch, item, index }: Origin,
  batchId: string,
  session: ClientSession,
): Promise<void> {
  const { device_id, queue_epoch, user_id, role, sent_at, received_at } = batch;
  const content = batchContentHash(device_id, queue_epoch, [
    { id: item.id, content: Buffer.from(item.content.buffer) },
  ]);
  // The first batch of all, the one that its device asks about.
  const redrive_of = batch.redrive_of ?? { batch_id: batch._id, index };
  await database.batches.insertOne(
    newBatchRow({
      _id: batchId,
      device_id,
      queue_epoch,
      user_id,
      role,
      content: new Binary(content),
      seq: await nextSeq(database, device_id, session),
      sent_at,
      received_at,
      items: [item],
      redrive_of,
    }),
    { session },
  );
  await database.batches.updateOne(
    { _id: redrive_of.batch_id },
    { $set: { [`redriven.${redrive_of.index}`]: batchId } },
    { session },
  );
}
