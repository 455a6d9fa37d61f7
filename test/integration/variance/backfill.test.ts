import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readServerTime } from '../../../src/db/server-time.ts';
import { type AnalyticsDatabase, analyticsDatabase, storedDocuments } from './analytics-database.ts';
import { bruteForce } from './brute-force.ts';
import { randomFrom, randomHistory } from './random-lines.ts';

const ZONE = 'Europe/Berlin';
const root = fileURLToPath(new URL('../../..', import.meta.url));

let test: AnalyticsDatabase;
beforeAll(async () => {
  test = await analyticsDatabase();
});
afterAll(() => test.close());

/** Runs a script as a person does; `onLine` may kill it. */
async function run(
  script: string,
  flags: string[],
  onLine: (line: string, kill: () => void) => void = () => {},
) {
  const child = spawn(process.execPath, [`scripts/${script}.ts`, ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      MONGODB_URL: test.url,
      REDIS_URL: 'redis://127.0.0.1:1',
      JWT_SECRET: 'x'.repeat(32),
      BUSINESS_TIMEZONE: ZONE,
      MONGODB_DB: '',
    },
  });
  let output = '';
  let errors = '';
  let unfinished = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    unfinished += chunk;
    const lines = unfinished.split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) onLine(line, () => child.kill('SIGKILL'));
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, output, errors };
}

const totalTurns = async (): Promise<number> => {
  const guards = await test.database.periodGuards.find({ backfill_run: { $exists: true } }).toArray();
  return guards.length;
};

it('goes on after a SIGKILL and redoes at most one period; dry run and audit agree', async () => {
  const now = await readServerTime(test.database);
  const start = new Date(now.getTime() - 50 * 86_400_000);
  const lines = randomHistory(randomFrom(31), { start, end: now, sessions: 50, itemsPerSession: 6 });
  await test.database.lines.insertMany(lines.map((line) => ({ ...line })));

  let seen = 0;
  const killed = await run('backfill', ['--reprocess', 'all'], (line, kill) => {
    if (/^(daily|weekly|monthly)/.test(line)) seen += 1;
    if (seen === 20) kill();
  });
  expect(killed).toMatchObject({ code: null, errors: '' });
  const doneBefore = await totalTurns();
  expect(doneBefore).toBeGreaterThanOrEqual(20);

  const resumed = await run('backfill', ['--reprocess', 'all']);
  expect(resumed.errors).toBe('');
  expect(resumed.code).toBe(0);
  const again = resumed.output.match(/^(daily|weekly|monthly) /gm)?.length ?? 0;
  const [total] = /^\d+/.exec(resumed.output) ?? [];
  expect(resumed.output).toContain(`${doneBefore} done before`);
  expect(again + doneBefore).toBeLessThanOrEqual(Number(total) + 1);
  expect(await test.database.backfillRuns.find({}).toArray()).toMatchObject([
    { state: 'done', periods_done: Number(total), periods_total: Number(total) },
  ]);
  expect(await storedDocuments(test.database)).toEqual(
    bruteForce(lines, { zone: ZONE, now, tolerancePercent: 0 }),
  );

  const dry = await run('backfill', ['--dry-run']);
  expect(dry.output).toMatch(/^\d periods, nothing written$/m);
  const audit = await run('audit', []);
  expect(audit.output).toContain('0 differences');
  expect(audit.code).toBe(0);

  await test.database.analytics.updateOne({ period_type: 'weekly' }, { $inc: { distinct_items: 1 } });
  const failing = await run('audit', []);
  expect(failing.output).toMatch(/unequal\s+weekly\s+\S+\s+distinct_items/);
  expect(failing.code).toBe(1);
});

it.each([
  { flags: ['--from', '2025-02-30'], says: '--from must be a date that exists' },
  { flags: ['--from', '2025-02-02', '--to', '2025-02-01'], says: '--from must not be after --to' },
  { flags: ['--from', '1025-01-01', '--to', '2025-01-01'], says: 'days apart' },
  { flags: ['--period', 'hourly'], says: "not 'hourly'" },
  { flags: ['--reprocess', 'some'], says: "not 'some'" },
  { flags: ['--concurrency', '0'], says: '--concurrency' },
  { flags: ['--fast'], says: '--fast' },
])('refuses $flags with one clear line', async ({ flags, says }) => {
  const { code, errors } = await run('backfill', flags);
  expect(code).toBe(2);
  expect(errors).toContain(says);
  expect(errors.trim().split('\n')).toHaveLength(1);
});
