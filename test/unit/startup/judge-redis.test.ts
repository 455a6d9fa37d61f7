import { describe, expect, it } from 'vitest';
import { judgeRedis } from '../../../src/domain/startup/judge-redis.ts';

const info = (fields: Record<string, string>): string =>
  `# Server\r\n${Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')}`;

const fit = { redis_version: '7.2.5', maxmemory_policy: 'noeviction', aof_enabled: '1' };
const verdict = (fields: Record<string, string>): string[] =>
  judgeRedis(info(fields)).map(({ severity, code }) => `${severity} ${code}`);
const without = (name: keyof typeof fit): Record<string, string> =>
  Object.fromEntries(Object.entries(fit).filter(([field]) => field !== name));

describe('judgeRedis', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['a fit server', fit, []],
    ['the oldest that will do', { ...fit, redis_version: '6.2.0' }, []],
    ['a much newer one', { ...fit, redis_version: '10.0.1' }, []],
    ['one just too old', { ...fit, redis_version: '6.0.20' }, ['error redis_too_old']],
    ['an ancient one', { ...fit, redis_version: '5.3.0' }, ['error redis_too_old']],
    ['no version', without('redis_version'), ['warning redis_version_unknown']],
    ['a version that is none', { ...fit, redis_version: 'cloud' }, ['warning redis_version_unknown']],
    ['an evicting policy', { ...fit, maxmemory_policy: 'allkeys-lru' }, ['error redis_evicts']],
    ['one that evicts what expires', { ...fit, maxmemory_policy: 'volatile-ttl' }, ['error redis_evicts']],
    ['no policy', without('maxmemory_policy'), ['warning redis_eviction_unknown']],
    ['no append-only file', { ...fit, aof_enabled: '0' }, ['warning redis_not_persistent']],
    ['no word on it', without('aof_enabled'), ['warning redis_persistence_unknown']],
    [
      'everything wrong, all at once',
      { redis_version: '4.0.14', maxmemory_policy: 'allkeys-random', aof_enabled: '0' },
      ['error redis_too_old', 'error redis_evicts', 'warning redis_not_persistent'],
    ],
  ])('%s', (_name, fields, expected) => {
    expect(verdict(fields)).toEqual(expected);
  });

  it('only warns when the server says nothing at all', () => {
    expect(judgeRedis('').map((finding) => finding.severity)).toEqual(['warning', 'warning', 'warning']);
  });

  it('says what is so and what to do', () => {
    expect(judgeRedis(info({ ...fit, maxmemory_policy: 'allkeys-lru' }))).toEqual([
      {
        severity: 'error',
        code: 'redis_evicts',
        message: 'Redis drops jobs when its memory is full (allkeys-lru).',
        remedy:
          'Set maxmemory-policy noeviction in redis.conf, or: redis-cli CONFIG SET maxmemory-policy noeviction',
      },
    ]);
  });
});
