import { z } from 'zod';

const ROLES = ['api', 'worker', 'scheduler', 'relay'] as const;
export type EngineRole = (typeof ROLES)[number];

const isTimeZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const url = (...protocols: string[]) =>
  z.string().refine(
    (value) => {
      try {
        return protocols.includes(new URL(value.replace(/,[^/]*/, '')).protocol);
      } catch {
        return false;
      }
    },
    `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  );

// What a browser sends as `Origin`: in lower case, without a path, the scheme's own port left out.
const isOrigin = (value: string): boolean => {
  try {
    const { host, protocol } = new URL(value);
    return host !== '' && value === `${protocol}//${host}`;
  } catch {
    return false;
  }
};

const origins = list.refine(
  (values) => values.every(isOrigin),
  'must be origins such as https://shop.example or http://localhost:5173, divided by commas',
);

const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Every variable the engine reads (contract 2). */
const environment = z.object({
  MONGODB_URL: url('mongodb:', 'mongodb+srv:'),
  MONGODB_DB: z
    .string()
    .regex(/^[\w-]{1,63}$/, 'must be 1..63 letters, digits, _ or -')
    .optional(),
  REDIS_URL: url('redis:', 'rediss:'),
  JWT_SECRET: z.string().min(32, 'must have at least 32 characters'),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535).default(8787),
  BUSINESS_TIMEZONE: z
    .string()
    .default('UTC')
    .refine(isTimeZone, 'must be an IANA zone such as Europe/Berlin'),
  NIGHTLY_CRON: z.string().default('30 0 * * *'),
  ACCURACY_TOLERANCE_PERCENT: z.coerce.number().min(0).max(100).default(0),
  MAX_COUNT_AGE_DAYS: integer(1, 3650).default(400),
  ENGINE_ROLES: list.pipe(z.array(z.enum(ROLES)).min(1)).default([...ROLES]),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]{1,64}$/, 'must be 1..64 letters, digits, _, -, { or }')
    .default('{sve}'),
  ALLOWED_ORIGINS: origins.default([]),
  COUNT_SESSIONS_COLLECTION: z
    .string()
    .regex(/^[\w-]{1,63}$/)
    .default('count_sessions'),
});

export interface Config {
  mongodbUrl: string;
  mongodbDb: string;
  redisUrl: string;
  jwtSecret: string;
  host: string;
  port: number;
  timezone: string;
  nightlyCron: string;
  tolerancePercent: number;
  maxCountAgeDays: number;
  roles: ReadonlySet<EngineRole>;
  logLevel: string;
  queuePrefix: string;
  allowedOrigins: readonly string[];
  sessionsCollection: string;
}

/** Lists every wrong or missing variable, so that one start shows them all. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** What is wrong with a cron expression, or undefined. The cron rules live outside of this folder. */
export type CronCheck = (expression: string) => string | undefined;

/**
 * Reads the configuration from environment variables; empty ones count as missing.
 * Throws ConfigError with all problems at once.
 */
export function parseConfig(
  variables: Record<string, string | undefined>,
  cronProblem: CronCheck = () => undefined,
): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  const problems = (parsed.error?.issues ?? []).map((issue) => {
    const name = String(issue.path[0]);
    return given[name] === undefined ? `${name} is missing` : `${name} ${issue.message}`;
  });
  const cron = given['NIGHTLY_CRON'] === undefined ? undefined : cronProblem(given['NIGHTLY_CRON']);
  if (cron !== undefined) problems.push(`NIGHTLY_CRON ${cron}`);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const env = parsed.data;
  return Object.freeze({
    mongodbUrl: env.MONGODB_URL,
    mongodbDb: env.MONGODB_DB ?? databaseOfUrl(env.MONGODB_URL) ?? 'stock_verify',
    redisUrl: env.REDIS_URL,
    jwtSecret: env.JWT_SECRET,
    host: env.HOST,
    port: env.PORT,
    timezone: env.BUSINESS_TIMEZONE,
    nightlyCron: env.NIGHTLY_CRON,
    tolerancePercent: env.ACCURACY_TOLERANCE_PERCENT,
    maxCountAgeDays: env.MAX_COUNT_AGE_DAYS,
    roles: new Set(env.ENGINE_ROLES),
    logLevel: env.LOG_LEVEL,
    queuePrefix: env.QUEUE_PREFIX,
    allowedOrigins: env.ALLOWED_ORIGINS,
    sessionsCollection: env.COUNT_SESSIONS_COLLECTION,
  });
}

function databaseOfUrl(mongodbUrl: string): string | undefined {
  const path = /^[^:]+:\/\/[^/]+\/([^?]*)/.exec(mongodbUrl)?.[1];
  return path === undefined || path === '' ? undefined : decodeURIComponent(path);
}

/** The configuration of this process. The only reader of `process.env`. */
export const loadConfig = (cronProblem?: CronCheck): Config => parseConfig(process.env, cronProblem);
