import type { ClientSession } from 'mongodb';
import type { Database } from '../database.ts';
import { onceMoreOnDuplicate } from '../duplicate-key.ts';

/** What is known of a device. Its `received_seq` numbers its batches in the order received (S4). */
export interface Device {
  _id: string;
  received_seq: number;
  last_user: string;
  last_seen_at: Date;
  queue_remaining: number | null;
  /** Server clock minus device clock at the last upload. */
  clock_skew_ms: number;
}

export interface DeviceReport {
  device_id: string;
  user_id: string;
  sent_at: Date;
  queue_remaining: number | null;
}

/**
 * Notes that a device uploaded and gives its batch the next number and MongoDB's time of receipt. The
 * number is taken before the batch is stored: one that is never used leaves a gap, which nobody misses.
 */
export async function numberBatch(
  database: Database,
  report: DeviceReport,
): Promise<{ seq: number; receivedAt: Date }> {
  const device = await onceMoreOnDuplicate(() =>
    database.devices.findOneAndUpdate(
      { _id: report.device_id },
      [
        {
          $set: {
            received_seq: { $add: [{ $ifNull: ['$received_seq', 0] }, 1] },
            last_seen_at: '$$NOW',
            // $literal: what a device or token says is never read as an expression.
            last_user: { $literal: report.user_id },
            queue_remaining: { $literal: report.queue_remaining },
            clock_skew_ms: { $subtract: ['$$NOW', { $literal: report.sent_at }] },
          },
        },
      ],
      { upsert: true, returnDocument: 'after' },
    ),
  );
  if (!device) throw new Error('an upsert returned no document');
  return { seq: device.received_seq, receivedAt: device.last_seen_at };
}

/** The device's next number for a batch that it did not send now, in the caller's transaction. */
export async function nextSeq(database: Database, deviceId: string, session: ClientSession): Promise<number> {
  const device = await database.devices.findOneAndUpdate(
    { _id: deviceId },
    { $inc: { received_seq: 1 } },
    { session, returnDocument: 'after' },
  );
  // Without its row, which only hands delete, the device's numbers begin anew anyway.
  return device?.received_seq ?? 1;
}

/** Devices by id, one page. */
export async function listDevices(
  database: Database,
  page: { limit: number; after?: string | undefined },
): Promise<{ devices: Device[]; total: number }> {
  const [devices, total] = await Promise.all([
    database.devices
      .find(page.after === undefined ? {} : { _id: { $gt: page.after } })
      .sort({ _id: 1 })
      .limit(page.limit)
      .toArray(),
    database.devices.estimatedDocumentCount(),
  ]);
  return { devices, total };
}
