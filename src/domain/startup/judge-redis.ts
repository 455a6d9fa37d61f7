import { error, type Finding, warning } from './finding.ts';
import { isAtLeast } from './server-version.ts';

/** BullMQ's oldest for all that is used here (contract 2). */
const OLDEST = [6, 2] as const;

/**
 * Judges the text of Redis's INFO (contract 8). An evicting or too old server is an error; what a server
 * does not tell, as some hosted ones do not, is a warning, and so is one that forgets when it is killed:
 * nothing is lost by it, since every ring is repeated from MongoDB, but work is late.
 */
export function judgeRedis(info: string): Finding[] {
  const fields = parseInfo(info);
  return [
    ...judgeVersion(fields.get('redis_version')),
    ...judgeEviction(fields.get('maxmemory_policy')),
    ...judgePersistence(fields.get('aof_enabled')),
  ];
}

function judgeVersion(version: string | undefined): Finding[] {
  const fits = version === undefined ? undefined : isAtLeast(version, OLDEST);
  if (fits === true) return [];
  if (fits === undefined) {
    return [
      warning(
        'redis_version_unknown',
        'Redis does not tell its version.',
        `Make sure that it is ${OLDEST.join('.')} or newer, or allow this user the INFO command.`,
      ),
    ];
  }
  return [
    error(
      'redis_too_old',
      `Redis ${version} is too old.`,
      `Use Redis ${OLDEST.join('.')} or newer, or point REDIS_URL at one.`,
    ),
  ];
}

function judgeEviction(policy: string | undefined): Finding[] {
  if (policy === 'noeviction') return [];
  const remedy =
    'Set maxmemory-policy noeviction in redis.conf, or: redis-cli CONFIG SET maxmemory-policy noeviction';
  return policy === undefined
    ? [warning('redis_eviction_unknown', 'Redis does not tell whether it evicts keys.', remedy)]
    : [error('redis_evicts', `Redis drops jobs when its memory is full (${policy}).`, remedy)];
}

function judgePersistence(appendOnly: string | undefined): Finding[] {
  if (appendOnly === '1') return [];
  const remedy = 'Set appendonly yes in redis.conf, so that a restart delays no work.';
  return appendOnly === undefined
    ? [warning('redis_persistence_unknown', 'Redis does not tell whether it keeps its data.', remedy)]
    : [warning('redis_not_persistent', 'Redis forgets waiting jobs when it is killed (AOF is off).', remedy)];
}

function parseInfo(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line): [string, string][] => {
      const [, name, value] = /^(\w+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trim()]];
    }),
  );
}
