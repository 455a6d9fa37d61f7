import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../time-limited.ts';
import { COUNTING_LINES } from './counted-items.ts';

const BATCH = 20;

interface LineTime {
  session_id: string;
  item_code: string;
  counted_at: Date;
}

/**
 * The time of the earliest counted item, or undefined when nothing counts. An item's time is that of its
 * latest line, so the answer is the first line, in order of time, that is its item's latest: usually the
 * very first one. Reads 20 lines at a time until it is found.
 */
export async function findFirstCounted(database: Database): Promise<Date | undefined> {
  const lines = database.lines.find(COUNTING_LINES, {
    projection: { _id: 0, session_id: 1, item_code: 1, counted_at: 1 },
    sort: { counted_at: 1 },
    batchSize: BATCH,
    maxTimeMS: MAX_TIME_MS,
  });
  try {
    for (let batch = await take(lines); batch.length > 0; batch = await take(lines)) {
      const latest = await latestTimes(database, batch);
      const first = batch.find((line) => latest.get(keyOf(line)) === line.counted_at.getTime());
      if (first) return first.counted_at;
    }
    return undefined;
  } finally {
    await lines.close();
  }
}

async function take(lines: { next(): Promise<LineTime | null> }): Promise<LineTime[]> {
  const batch: LineTime[] = [];
  while (batch.length < BATCH) {
    const line = await lines.next();
    if (line === null) break;
    batch.push(line);
  }
  return batch;
}

async function latestTimes(database: Database, batch: readonly LineTime[]): Promise<Map<string, number>> {
  const items = new Map(
    batch.map(({ session_id, item_code }) => [keyOf({ session_id, item_code }), { session_id, item_code }]),
  );
  const rows = await database.lines
    .aggregate<{ _id: { session_id: string; item_code: string }; at: Date }>(
      [
        { $match: { ...COUNTING_LINES, $or: [...items.values()] } },
        {
          $group: {
            _id: { session_id: '$session_id', item_code: '$item_code' },
            at: { $max: '$counted_at' },
          },
        },
      ],
      { maxTimeMS: MAX_TIME_MS },
    )
    .toArray();
  return new Map(rows.map((row) => [keyOf(row._id), row.at.getTime()]));
}

// Control characters are in no id, so the two parts cannot run into each other.
const keyOf = (line: { session_id: string; item_code: string }): string =>
  `${line.session_id}\u0000${line.item_code}`;
