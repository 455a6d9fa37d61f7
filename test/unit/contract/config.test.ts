import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../../src/config/config.ts';
import { cronProblem } from '../../../src/domain/schedules/cron-expression.ts';

const needed = {
  MONGODB_URL: 'mongodb://a:1,b:2/shop?replicaSet=rs0',
  REDIS_URL: 'redis://127.0.0.1:6379',
  JWT_SECRET: 'x'.repeat(32),
};

const problems = (variables: Record<string, string>): readonly string[] => {
  try {
    parseConfig(variables, cronProblem);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

test('what is needed alone gives the contract’s defaults', () => {
  expect(parseConfig(needed)).toEqual({
    mongodbUrl: needed.MONGODB_URL,
    mongodbDb: 'shop',
    redisUrl: needed.REDIS_URL,
    jwtSecret: needed.JWT_SECRET,
    host: '127.0.0.1',
    port: 8787,
    timezone: 'UTC',
    nightlyCron: '30 0 * * *',
    tolerancePercent: 0,
    maxCountAgeDays: 400,
    roles: new Set(['api', 'worker', 'scheduler', 'relay']),
    logLevel: 'info',
    queuePrefix: '{sve}',
    allowedOrigins: [],
    sessionsCollection: 'count_sessions',
  });
});

test('every problem at once, each with its name', () => {
  const found = problems({
    MONGODB_URL: 'http://x',
    JWT_SECRET: 'short',
    PORT: '70000',
    BUSINESS_TIMEZONE: 'Mars/Base',
    ENGINE_ROLES: 'api,cook',
    ACCURACY_TOLERANCE_PERCENT: '-1',
    MAX_COUNT_AGE_DAYS: 'x',
    LOG_LEVEL: 'loud',
    NIGHTLY_CRON: '99 0 * * *',
  });
  expect(found.map((problem) => problem.split(' ')[0]).toSorted()).toEqual([
    'ACCURACY_TOLERANCE_PERCENT',
    'BUSINESS_TIMEZONE',
    'ENGINE_ROLES',
    'JWT_SECRET',
    'LOG_LEVEL',
    'MAX_COUNT_AGE_DAYS',
    'MONGODB_URL',
    'NIGHTLY_CRON',
    'PORT',
    'REDIS_URL',
  ]);
});

test('the message holds no value of a secret', () => {
  expect(problems({ ...needed, JWT_SECRET: 'hunter2' }).join()).not.toContain('hunter2');
});

describe('single variables', () => {
  test.each([
    ['MONGODB_DB', 'other', 'mongodbDb', 'other'],
    ['MONGODB_DB', '', 'mongodbDb', 'shop'],
    ['MONGODB_URL', 'mongodb://a', 'mongodbDb', 'stock_verify'],
    ['MONGODB_URL', 'mongodb+srv://a.b/?x=1', 'mongodbDb', 'stock_verify'],
    ['PORT', '0', 'port', 0],
    ['BUSINESS_TIMEZONE', 'Asia/Kolkata', 'timezone', 'Asia/Kolkata'],
    ['ENGINE_ROLES', ' api , worker ', 'roles', new Set(['api', 'worker'])],
    ['ALLOWED_ORIGINS', 'https://a, https://b', 'allowedOrigins', ['https://a', 'https://b']],
    ['ALLOWED_ORIGINS', 'http://localhost:5173', 'allowedOrigins', ['http://localhost:5173']],
    ['ALLOWED_ORIGINS', 'http://[::1]', 'allowedOrigins', ['http://[::1]']],
    ['ACCURACY_TOLERANCE_PERCENT', '2.5', 'tolerancePercent', 2.5],
  ] as const)('%s=%s', (name, value, field, expected) => {
    expect(parseConfig({ ...needed, [name]: value })[field]).toEqual(expected);
  });
  test.each([
    ['JWT_SECRET', 'x'.repeat(31)],
    ['REDIS_URL', ''],
    ['REDIS_URL', 'http://x'],
    ['PORT', '1.5'],
    ['ENGINE_ROLES', ','],
    ['MAX_COUNT_AGE_DAYS', '0'],
    ['QUEUE_PREFIX', 'a b'],
    ['MONGODB_DB', 'a.b'],
    ['NIGHTLY_CRON', 'every night'],
    ['ALLOWED_ORIGINS', 'zap'],
    ['ALLOWED_ORIGINS', 'https://a, b'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'null'],
    ['ALLOWED_ORIGINS', 'https://a/'],
    ['ALLOWED_ORIGINS', 'https://a/path'],
    ['ALLOWED_ORIGINS', 'https://me@a'],
    ['ALLOWED_ORIGINS', 'https://A'],
    ['ALLOWED_ORIGINS', 'https://a:443'],
    ['ALLOWED_ORIGINS', 'https://'],
    ['ALLOWED_ORIGINS', 'localhost:5173'],
  ])('refused: %s=%s', (name, value) => {
    expect(problems({ ...needed, [name]: value })).toHaveLength(1);
  });
});
