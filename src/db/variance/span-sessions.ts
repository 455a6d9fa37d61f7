import type { ClientSession } from 'mongodb';
import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../time-limited.ts';

/**
 * The sessions with lines inside [start, end), and those of them that have lines outside, too. An item
 * belongs where its latest line lies, so only in straddling sessions the lines of the span alone would cut
 * an item in two. Both queries are answered by indexes; a session that lies inside costs two seeks.
 */
export async function findSessions(
  database: Database,
  span: { start: Date; end: Date },
  session?: ClientSession,
): Promise<{ inside: string[]; straddling: string[] }> {
  const options = { maxTimeMS: MAX_TIME_MS, ...(session ? { session } : {}) };
  const inside = await database.lines
    .aggregate<{ _id: string }>(
      [{ $match: { counted_at: { $gte: span.start, $lt: span.end } } }, { $group: { _id: '$session_id' } }],
      options,
    )
    .toArray();
  if (inside.length === 0) return { inside: [], straddling: [] };
  const sessionIds = inside.map((row) => row._id);
  const outside = await database.lines
    .aggregate<{ _id: string }>(
      [
        {
          $match: {
            session_id: { $in: sessionIds },
            $or: [{ counted_at: { $lt: span.start } }, { counted_at: { $gte: span.end } }],
          },
        },
        { $group: { _id: '$session_id' } },
      ],
      options,
    )
    .toArray();
  return { inside: sessionIds, straddling: outside.map((row) => row._id) };
}
