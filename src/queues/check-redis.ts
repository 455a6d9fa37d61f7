import type { Redis } from 'ioredis';

/**
 * The text of Redis's INFO for `judgeRedis`; empty where the server refuses the command to this user.
 * Rejects when Redis does not answer.
 */
export async function loadRedisInfo(redis: Pick<Redis, 'info'>): Promise<string> {
  try {
    return await redis.info();
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return '';
    throw error;
  }
}
