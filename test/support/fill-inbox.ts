// Many small batches that wait: as many as the limit is made for.
import type { Db } from 'mongodb';

const PER_COMMAND = 5_000;

/** Puts `total` unapplied rows of the device `waiting` into the inbox; they hold nothing that could be applied. */
export async function fillInbox(db: Db, total: number): Promise<void> {
  const batches = db.collection<{ _id: string }>('sync_batches');
  for (let from = 0; from < total; from += PER_COMMAND) {
    const rows = Array.from({ length: Math.min(PER_COMMAND, total - from) }, (_, n) => ({
      _id: `waiting ${from + n}`,
      device_id: 'waiting',
      seq: from + n,
      state: 'received',
      received_at: new Date(),
      items: [],
      results: [],
      next_item: 0,
    }));
    await batches.insertMany(rows, { ordered: false });
  }
}
