import type { Redis } from 'ioredis';
import { readEntry, type StreamEntry } from './stream-entry.ts';
import { formatPosition, parsePosition, type StreamPosition } from './stream-position.ts';

/**
 * Appends only when the stream's last id is the one the publisher left there, in one step: a Redis that was
 * flushed, set back or written by somebody else is noticed before anything is added behind the hole. An id
 * that Redis refuses as "equal or smaller" (the stream was emptied but remembers its last id) is answered
 * with `refused`; every other error stays one.
 * KEYS[1] stream; ARGV: length bound, expected last id or '', then per entry its id, field count, fields.
 */
const APPEND = `
local function last_id()
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or ''
end
if last_id() ~= ARGV[2] then return last_id() end
local i = 3
while i <= #ARGV do
  local count = tonumber(ARGV[i + 1])
  local reply = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], ARGV[i], unpack(ARGV, i + 2, i + 1 + count))
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'equal or smaller', 1, true) then return 'refused' end
    return redis.error_reply(reply.err)
  end
  i = i + 2 + count
end
return last_id()
`;

export interface NewEntry {
  position: StreamPosition;
  fields: string[];
}

/** `appended`: all of it is there now. `moved`: the stream was not what was expected, nothing was added. */
export type AppendOutcome = 'appended' | 'moved' | 'refused';

/** The Redis stream of events: the only place that knows its commands. */
export interface EventStream {
  last(): Promise<StreamPosition | undefined>;
  append(expectedLast: StreamPosition | undefined, entries: readonly NewEntry[]): Promise<AppendOutcome>;
  /** Up to `count` entries after a place, oldest first, and the last place, both seen at one moment. */
  readAfter(
    position: StreamPosition,
    count: number,
  ): Promise<{ entries: StreamEntry[]; last: StreamPosition | undefined }>;
  /** Waits up to `blockMs` for entries after a place; empty when none came. Needs a connection of its own. */
  waitAfter(position: StreamPosition, options: { count: number; blockMs: number }): Promise<StreamEntry[]>;
}

type RawEntry = [id: string, fields: string[]];

const readEntries = (raw: readonly RawEntry[]): StreamEntry[] =>
  raw.flatMap(([id, fields]) => readEntry(id, fields) ?? []);

const lastOf = (raw: readonly RawEntry[]): StreamPosition | undefined =>
  raw[0] === undefined ? undefined : parsePosition(raw[0][0]);

export function openEventStream(redis: Redis, key: string, maxLength: number): EventStream {
  return {
    async last() {
      return lastOf((await redis.xrevrange(key, '+', '-', 'COUNT', 1)) as RawEntry[]);
    },
    async append(expectedLast, entries) {
      const newLast = entries.at(-1)?.position;
      if (!newLast) return 'appended';
      const reply = await redis.eval(
        APPEND,
        1,
        key,
        maxLength,
        expectedLast ? formatPosition(expectedLast) : '',
        ...entries.flatMap(({ position, fields }) => [formatPosition(position), fields.length, ...fields]),
      );
      if (reply === 'refused') return 'refused';
      return reply === formatPosition(newLast) ? 'appended' : 'moved';
    },
    async readAfter(position, count) {
      const replies = await redis
        .multi()
        .xrevrange(key, '+', '-', 'COUNT', 1)
        .xrange(key, `(${formatPosition(position)}`, '+', 'COUNT', count)
        .exec();
      const [last, entries] = (replies ?? []).map(([error, reply]) => {
        if (error) throw error;
        return reply as RawEntry[];
      });
      if (!last || !entries) throw new Error('Redis discarded the read of the event stream.');
      return { entries: readEntries(entries), last: lastOf(last) };
    },
    async waitAfter(position, { count, blockMs }) {
      const reply = await redis.xread(
        'COUNT',
        count,
        'BLOCK',
        blockMs,
        'STREAMS',
        key,
        formatPosition(position),
      );
      return readEntries((reply?.[0]?.[1] ?? []) as RawEntry[]);
    },
  };
}
