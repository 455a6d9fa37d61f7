import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { inTime } from '../runtime/in-time.ts';

export interface UploadLimiter {
  /** Counts one upload. Resolves to the seconds to wait when it is one too many, else to undefined. */
  take(userId: string, address: string): Promise<number | undefined>;
}

const WINDOW_SECONDS = 60;
const PER_USER = 120;
const PER_ADDRESS = 3_000;

/** A Redis that answers slower than this counts as away. */
const MAX_COUNT_MS = 100;

/**
 * Counts uploads per user and per address in fixed minutes over all processes (contract 4). Open while
 * Redis is away: a limit protects the server, it must not stop the warehouse.
 */
export function createUploadLimiter(redis: Redis, prefix: string): UploadLimiter {
  return {
    take: async (userId, address) => {
      const minute = Math.floor(Date.now() / 1000 / WINDOW_SECONDS);
      // Hashed, so that no name of a person stands in a key.
      const key = (kind: string, who: string) =>
        `${prefix}:uploads:${kind}:${hash('sha256', who).slice(0, 24)}:${minute}`;
      const user = key('user', userId);
      const from = key('address', address);
      try {
        const replies = await inTime(
          redis
            .multi()
            .incr(user)
            .expire(user, 2 * WINDOW_SECONDS)
            .incr(from)
            .expire(from, 2 * WINDOW_SECONDS)
            .exec(),
          MAX_COUNT_MS,
        );
        const count = (index: number) => Number(replies?.[index]?.[1] ?? 0);
        if (count(0) <= PER_USER && count(2) <= PER_ADDRESS) return undefined;
        return WINDOW_SECONDS - (Math.floor(Date.now() / 1000) % WINDOW_SECONDS);
      } catch {
        return undefined;
      }
    },
  };
}
