import type { ClientSession } from 'mongodb';
import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../transaction.ts';

/**
 * The sessions with lines both inside and outside [start, end). An item belongs where its latest line
 * lies, so only in these sessions the lines of the span alone would cut an item in two. Both queries are
 * answered by indexes; a session that lies inside costs two seeks.
 */
export async function findStraddlingSessions(
  database: Database,
  span: { start: Date; end: Date },
  session?: ClientSession,
): Promise<string[]> {
  const options = { maxTimeMS: MAX_TIME_MS, ...(session ? { session } : {}) };
  const inside = await database.lines
    .aggregate<{ _id: string }>(
      [{ $match: { counted_at: { $gte: span.start, $lt: span.end } } }, { $group: { _id: '$session_id' } }],
      options,
    )
    .toArray();
  if (inside.length === 0) return [];
  const outside = await database.lines
    .aggregate<{ _id: string }>(
      [
        {
          $match: {
            session_id: { $in: inside.map((row) => row._id) },
            $or: [{ counted_at: { $lt: span.start } }, { counted_at: { $gte: span.end } }],
          },
        },
        { $group: { _id: '$session_id' } },
      ],
      options,
    )
    .toArray();
  return outside.map((row) => row._id);
}
