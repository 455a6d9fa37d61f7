// The demo as a person runs it: a process, its exit code and what it prints.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { describe, expect, inject, it, onTestFinished } from 'vitest';

const DEMO = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url));
const VERDICTS = ['applied', 'duplicate', 'conflict', 'rejected', 'retry'];
const LOCK_ENDS = ['resolved', 'released', 'expired', 'forced'];

/** Starts the demo on the servers of this test run. */
function startDemo(...args: string[]) {
  const env = { ...process.env, MONGODB_URL: inject('mongoUrl'), REDIS_URL: inject('redisUrl') };
  const child = spawn(process.execPath, [DEMO, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const seen = { output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      seen.output += text;
    });
  }
  return { child, seen, ended: once(child, 'close') };
}

/** The rows of the closing table: what → how many. */
function closingTable(output: string): Map<string, number> {
  const table = output.slice(output.indexOf('\nWhat happened\n'));
  const rows = [...table.matchAll(/^ +(\S.*?) {2,}([\d,]+) {2}\S/gm)];
  return new Map(rows.map(([, what, howMany]) => [what!, Number(howMany!.replaceAll(',', ''))]));
}

async function demoDatabases(): Promise<string[]> {
  const client = await new MongoClient(inject('mongoUrl')).connect();
  onTestFinished(() => client.close());
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => name.startsWith('stock_verify_demo_'));
}

const databaseIn = (output: string): string => /database (stock_verify_demo_\w+)/.exec(output)![1]!;

// About 20 s in all on two idle cores; other tests may run beside.
describe('npm run demo', { timeout: 120_000 }, () => {
  it('exits 0, its closing table adds up, and its database is gone', async () => {
    const { seen, ended } = startDemo('--seed', '7');
    expect([await ended, seen.output]).toEqual([[0, null], expect.stringContaining('Everything adds up')]);

    const table = closingTable(seen.output);
    const sum = (names: string[]) => names.reduce((total, name) => total + table.get(name)!, 0);
    expect(table.get('operations sent')).toBe(sum(VERDICTS));
    expect(VERDICTS.filter((verdict) => !table.get(verdict))).toEqual([]);
    expect(table.get('locks taken')).toBe(sum(LOCK_ENDS));
    expect(table.get('events delivered')).toBeGreaterThan(100);
    expect(table.get('periods written')).toBeGreaterThan(400);
    expect(table.get('device rows left to send')).toBe(0);
    expect(table.get('audit differences')).toBe(0);
    expect(seen.output).not.toContain('\x1b');
    expect(await demoDatabases()).not.toContain(databaseIn(seen.output));
  });

  it('stops everything and drops its database when it is interrupted', async () => {
    const { child, seen, ended } = startDemo();
    while (!seen.output.includes('past year')) await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect([await ended, seen.output]).toEqual([[130, null], expect.stringMatching(/Stopping …\n$/)]);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(seen.output)![0];
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
    expect(await demoDatabases()).not.toContain(databaseIn(seen.output));
  });

  it.each([
    ['an unknown flag', ['--fast'], /unknown option '--fast'/i],
    ['a seed that is none', ['--seed', 'x'], /--seed must be a whole number/],
  ])('answers %s with one line and exit 2', (_, args, message) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, ...args], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });
});
