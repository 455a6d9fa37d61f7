// The whole way on a running engine: set aside, mended, sent again over HTTP and by the command.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, type EngineProcess, engineEnvironment, spawnEngine, token } from '../../support/engine.ts';
import { freshDatabase, freshRedisPrefix, type TestDatabase } from '../../support/test-database.ts';

let database: TestDatabase;
let environment: Record<string, string>;
let engine: EngineProcess;
let staff: string;
let admin: string;
const lines = () => database.db.collection('count_lines');

beforeAll(async () => {
  database = await freshDatabase();
  environment = engineEnvironment(database, freshRedisPrefix());
  engine = await spawnEngine(environment);
  [staff, admin] = [await token('ana', 'staff'), await token('root', 'admin')];
});
afterAll(async () => {
  await engine?.end('SIGKILL');
  await database.drop();
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function command(args: readonly string[], more: Record<string, string> = {}): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], ...environment, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/dead-letters.ts', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

async function upload(session_id: string, notes: readonly string[]) {
  const now = Date.now();
  const item = (id: number, operation: string, entity_type: string, payload: object) => ({
    id,
    operation,
    entity_type,
    payload: { session_id, ...payload },
    created_at: now,
  });
  const batch = {
    batch_id: randomUUID(),
    device_id: session_id,
    queue_epoch: 'e1',
    sent_at: now,
    items: [
      item(1, 'session_start', 'session', { warehouse: 'W', started_at: now }),
      ...notes.map((note, n) =>
        item(n + 2, 'count_update', 'count_line', {
          item_code: `${session_id} ${n}`,
          counted_qty: n,
          counted_at: now,
          note,
        }),
      ),
    ],
  };
  const answer = await call(engine.url, staff, 'POST', '/api/sync/batches', batch, { prefer: 'wait=20' });
  return { batch, answer };
}

const verdictsOf = async (batchId: string): Promise<string[]> => {
  const { body } = await call(engine.url, staff, 'GET', `/api/sync/batches/${batchId}`);
  return body.results.map((result: { verdict: string }) => result.verdict);
};

/** A batch whose last count was set aside, because a foreign index refused its line; then the index goes. */
async function setAside(session_id: string) {
  const note = `only once ${session_id}`;
  const index = await lines().createIndex({ note: 1 }, { unique: true, partialFilterExpression: { note } });
  const { batch, answer } = await upload(session_id, [note, note]);
  await lines().dropIndex(index);
  expect(answer.body.results.map((result: { verdict: string }) => result.verdict)).toEqual([
    'applied',
    'applied',
    'rejected',
  ]);
  return { batch, letter: `${batch.batch_id}/3` };
}

async function comesTrue(batchId: string) {
  await expect
    .poll(() => verdictsOf(batchId), { timeout: 30_000 })
    .toEqual(['applied', 'applied', 'applied']);
}

describe('a count that was set aside', () => {
  it('is applied once by a running engine after a redrive over HTTP', async () => {
    const { batch, letter } = await setAside('http');
    const path = `/api/admin/dead-letters/${encodeURIComponent(letter)}/redrive`;
    const answers = await Promise.all([1, 2, 3].map(() => call(engine.url, admin, 'POST', path)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    await comesTrue(batch.batch_id);
    const again = { ...batch, batch_id: randomUUID() };
    await call(engine.url, staff, 'POST', '/api/sync/batches', again, { prefer: 'wait=20' });
    expect(await verdictsOf(again.batch_id)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    const stored = await lines().find({ session_id: 'http' }).toArray();
    expect(stored.map((line) => line['version'])).toEqual([1, 1]);
  });
});

describe('npm run dead-letters', () => {
  it('lists, shows and redrives a letter, and says what was done', async () => {
    const { batch, letter } = await setAside('command');
    const listed = await command(['list', '--limit', '1']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(new RegExp(`${letter} +sync +\\d+ +waits +E11000`));
    expect(listed.stdout).toMatch(/^1 of 2$/m);

    const shown = await command(['show', letter]);
    expect(shown.stdout).toMatch(/^device_id +command$/m);

    expect(await command(['redrive', letter])).toEqual({
      code: 0,
      stdout: `${letter}  sent again\n`,
      stderr: '',
    });
    await comesTrue(batch.batch_id);
    expect((await command(['redrive', letter])).stdout).toBe(
      `${letter}  was sent again before; nothing changed\n`,
    );

    const json = JSON.parse((await command(['show', letter, '--json'])).stdout);
    expect(json).toMatchObject({
      dead_letter: { id: letter, redriven_by: 'system', redrive_verdict: 'applied' },
      actions: [{ action: 'redriven', by: 'system', via: expect.stringMatching(/^command .+@.+/) }],
    });
  });

  it('drops letters, and still knows who did', async () => {
    const { letter } = await setAside('dropped');
    expect(await command(['drop', letter, 'no/1'])).toEqual({
      code: 1,
      stdout: `${letter}  dropped\n`,
      stderr: 'no/1  there is no such dead letter\n',
    });
    const { dead_letters } = JSON.parse((await command(['list', '--json'])).stdout);
    expect(dead_letters.map(({ id }: { id: string }) => id)).not.toContain(letter);
    expect((await command(['show', letter])).stdout).toMatch(/dropped by system \(command /);
  });

  it('exits 1 for a letter that is not there or cannot be sent again', async () => {
    const { batch, letter } = await setAside('gone');
    await database.db.collection<{ _id: string }>('sync_batches').deleteOne({ _id: batch.batch_id });
    const outcome = await command(['redrive', letter, 'no/1']);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('30 days after it was applied');
    expect(outcome.stderr).toContain('no/1  there is no such dead letter');
    expect(await command(['show', 'no/1'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('leaves the ring to the engine while it cannot reach Redis', async () => {
    const { batch, letter } = await setAside('without Redis');
    const outcome = await command(['redrive', letter], { REDIS_URL: 'redis://127.0.0.1:1' });
    expect(outcome).toMatchObject({ code: 0, stdout: `${letter}  sent again\n` });
    expect(outcome.stderr).toMatch(/^Redis is away/);
    const stored = await database.db.collection('sync_batches').findOne({
      'redrive_of.batch_id': batch.batch_id,
    });
    expect(stored).toMatchObject({ items: [{ id: 3 }] });
  });
});
