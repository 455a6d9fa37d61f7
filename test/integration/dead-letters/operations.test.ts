// Operations that were set aside, sent again over HTTP: engine, MongoDB and ledger are real.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { decideChunk } from '../../../src/domain/sync/decide-chunk.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { type HttpEngine, httpEngine } from '../http/http-engine.ts';
import { openSession, said } from '../sync/sync-engine.ts';

let engine: HttpEngine;
beforeAll(async () => {
  engine = await httpEngine();
  engine.draining.on = false;
  await openSession(engine, 'S-1');
});
afterAll(() => engine.drop());

const LETTERS = '/api/admin/dead-letters';
const admin = { role: 'admin', who: 'root' };
const redrive = (id: string, as: object = admin) =>
  engine.call('POST', `${LETTERS}/${encodeURIComponent(id)}/redrive`, as);
const drop = (id: string, as: object = admin) =>
  engine.call('DELETE', `${LETTERS}/${encodeURIComponent(id)}`, as);
const letterOf = (_id: string) => engine.database.deadLetters.findOne({ _id });
const actionsOf = (letter_id: string) =>
  engine.database.deadLetterActions.find({ letter_id }).sort({ at: 1 }).toArray();

const failing =
  (poison: number): typeof decideChunk =>
  (items, ...rest) => {
    if (items.some((item) => item.id === poison)) throw new TypeError('no such thing');
    return decideChunk(items, ...rest);
  };
const counts = (...ids: number[]) => ids.map((id) => sent.count(id, id, { item_code: `item ${id}` }));
const linesOf = async (...ids: number[]) => {
  const item_code = { $in: ids.map((id) => `item ${id}`) };
  const lines = await engine.database.lines.find({ item_code }).sort({ counted_qty: 1 }).toArray();
  return lines.map(({ counted_qty, version }) => `${counted_qty} v${version}`);
};

/** A batch of three whose second operation was set aside. */
async function setAside(device_id: string, first: number) {
  const ids = [first, first + 1, first + 2];
  const batch = await engine.store(counts(...ids), { device_id });
  await engine.drain(device_id, { decide: failing(first + 1) });
  expect(said(await engine.results(batch))).toEqual(['applied', 'rejected operation_failed', 'applied']);
  return { batch, ids, poison: first + 1, letter: `${batch}/${first + 1}` };
}

describe('an operation that was set aside, sent again once the fault is mended', () => {
  it('is applied exactly once, and every place says so', async () => {
    const device_id = 'mended';
    const { batch, ids, poison, letter } = await setAside(device_id, 10);
    const answer = await redrive(letter);
    expect([answer.status, answer.body]).toMatchObject([
      202,
      { dead_letter: { id: letter, redriven_by: 'root', source: 'sync_operation' } },
    ]);
    expect(said(await engine.results(batch))).toEqual(['applied', 'rejected operation_failed', 'applied']);
    await engine.drain(device_id);
    expect(await linesOf(...ids)).toEqual(ids.map((id) => `${id} v1`));
    expect(said(await engine.results(batch))).toEqual(['applied', 'applied', 'applied']);
    const listed = await engine.call('GET', LETTERS, admin);
    expect(listed.body['dead_letters']).toMatchObject([{ id: letter, redrive_verdict: 'applied' }]);
    expect(said(await engine.upload(counts(poison), { device_id }))).toEqual(['duplicate']);
    expect(await linesOf(poison)).toEqual([`${poison} v1`]);
  });

  it('keeps uploader, role and times of the batch it came in', async () => {
    const device_id = 'times';
    const counted = new Date(Date.now() - 3_600_000);
    const item = sent.count(1, 4, { item_code: 'timed', counted_at: counted.toISOString() });
    const sent_at = new Date(Date.now() - 1_800_000);
    const batch = await engine.store([item], { device_id, user_id: 'ines', sent_at });
    await engine.drain(device_id, { decide: failing(1) });
    const before = await engine.database.devices.findOne({ _id: device_id });
    await redrive(`${batch}/1`);
    await engine.drain(device_id);
    const origin = await engine.database.batches.findOne({ _id: batch });
    const skew = origin!.received_at.getTime() - sent_at.getTime();
    expect(await engine.database.lines.findOne({ item_code: 'timed' })).toMatchObject({
      counted_by: 'ines',
      counted_at: new Date(counted.getTime() + skew),
      time_adjusted: 'skew',
    });
    const { received_seq, ...rest } = (await engine.database.devices.findOne({ _id: device_id }))!;
    expect(rest).toEqual({ ...before, received_seq: undefined });
    expect(received_seq).toBe(before!.received_seq + 1);
  });

  it('by two people at once is sent once', async () => {
    const device_id = 'twice';
    const { ids, letter } = await setAside(device_id, 20);
    const answers = await Promise.all(Array.from({ length: 6 }, () => redrive(letter)));
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(202));
    expect(await engine.database.batches.countDocuments({ device_id })).toBe(2);
    expect(await actionsOf(letter)).toHaveLength(1);
    await engine.drain(device_id);
    expect((await redrive(letter)).status).toBe(202);
    expect(await engine.database.batches.countDocuments({ device_id })).toBe(2);
    expect(await linesOf(...ids)).toEqual(ids.map((id) => `${id} v1`));
  });

  it('while a replay of it waits: the earlier one is applied, the other a duplicate', async () => {
    const device_id = 'overtaken';
    const { batch, poison, letter } = await setAside(device_id, 30);
    const replay = await engine.store(counts(poison), { device_id });
    await redrive(letter);
    await engine.drain(device_id);
    expect(said(await engine.results(replay))).toEqual(['applied']);
    expect(said(await engine.results(batch))).toEqual(['applied', 'duplicate', 'applied']);
    expect(await linesOf(poison)).toEqual([`${poison} v1`]);
  });

  it('answered retry, because its session is unknown, can be sent once more', async () => {
    const device_id = 'early';
    const item = sent.count(1, 8, { session_id: 'later', item_code: 'early' });
    const batch = await engine.store([item], { device_id });
    await engine.drain(device_id, { decide: failing(1) });
    const letter = `${batch}/1`;
    await redrive(letter);
    await engine.drain(device_id);
    expect(said(await engine.results(batch))).toEqual(['retry session_unknown']);
    await engine.upload([sent.start(2, { session_id: 'later' })], { device_id });
    await redrive(letter);
    await engine.drain(device_id);
    expect(said(await engine.results(batch))).toEqual(['applied']);
    expect(await actionsOf(letter)).toHaveLength(2);
  });
});

describe('an operation that was set aside, and counted anew on the same device before it is sent again', () => {
  const recount = (id: number, qty: number, item_code: string) => sent.count(id, qty, { item_code });
  const lineOf = async (item_code: string) => {
    const line = await engine.database.lines.findOne({ item_code });
    return `${line?.counted_qty} v${line?.version}`;
  };

  it('does not replace the newer count: the two become a conflict', async () => {
    const device_id = 'recounted';
    const item_code = 'counted twice';
    const batch = await engine.store([recount(1, 5, item_code)], { device_id });
    await engine.drain(device_id, { decide: failing(1) });
    expect(said(await engine.upload([recount(2, 7, item_code)], { device_id }))).toEqual(['applied']);
    await redrive(`${batch}/1`);
    await engine.drain(device_id);
    expect(said(await engine.results(batch))).toEqual(['conflict update_conflict']);
    expect(await lineOf(item_code)).toBe('7 v1');
    const conflict = await engine.database.conflicts.findOne({ item_code });
    expect(conflict).toMatchObject({ status: 'pending', local_value: { counted_qty: 5 } });
    expect(conflict!.trail[0]).toMatchObject({ server_value: { counted_qty: 7 } });
  });

  it('does not replace the newer count in a conflict: it stands in the trail', async () => {
    const device_id = 'disputed';
    const item_code = 'disputed twice';
    await engine.upload([recount(1, 10, item_code)], { device_id: 'phone-B' });
    const batch = await engine.store([recount(1, 5, item_code)], { device_id });
    await engine.drain(device_id, { decide: failing(1) });
    const later = await engine.upload([recount(2, 7, item_code)], { device_id });
    expect(said(later)).toEqual(['conflict update_conflict']);
    await redrive(`${batch}/1`);
    await engine.drain(device_id);
    const [result] = await engine.results(batch);
    expect(result).toMatchObject({ verdict: 'conflict', conflict_id: later[0]!.conflict_id });
    const conflict = await engine.database.conflicts.findOne({ item_code });
    expect(conflict).toMatchObject({ local_value: { counted_qty: 7 }, local_details: expect.anything() });
    expect(conflict!.trail.map((step) => [step.step, step.local_value?.counted_qty])).toEqual([
      ['opened', 7],
      ['joined', 5],
    ]);
  });
});

describe('an operation that still fails', () => {
  it('is set aside again under a letter of its own, which can be sent again', async () => {
    const device_id = 'still';
    const { batch, ids, poison, letter } = await setAside(device_id, 40);
    await redrive(letter);
    await engine.drain(device_id, { decide: failing(poison) });
    const second = `${(await letterOf(letter))!.redrive_batch_id}/${poison}`;
    expect(await letterOf(second)).toMatchObject({ reason: 'no such thing' });
    await redrive(second);
    await engine.drain(device_id);
    expect(said(await engine.results(batch))).toEqual(['applied', 'applied', 'applied']);
    expect(await linesOf(...ids)).toEqual(ids.map((id) => `${id} v1`));
  });

  it('and kills its process is set aside after three deaths; the others stay as they are', async () => {
    const device_id = 'kills';
    const { batch, poison, letter } = await setAside(device_id, 50);
    const other = await engine.store(counts(58, 59), { device_id });
    await redrive(letter);
    expect(await dieUntilApplied(device_id, poison)).toBe(3);
    const second = `${(await letterOf(letter))!.redrive_batch_id}/${poison}`;
    expect(await letterOf(second)).toMatchObject({ reason: 'It ended its process three times.' });
    expect(said(await engine.results(batch))).toEqual(['applied', 'rejected operation_failed', 'applied']);
    expect(said(await engine.results(other))).toEqual(['applied', 'applied']);
    expect(await linesOf(50, 51, 52, 58, 59)).toEqual(['50 v1', '52 v1', '58 v1', '59 v1']);
  });
});

async function dieUntilApplied(device_id: string, poison: number): Promise<number> {
  for (let deaths = 0; deaths < 10; deaths += 1) {
    const child = spawn(process.execPath, ['test/support/poisoned-drain.ts'], {
      env: {
        ...process.env,
        MONGODB_URL: inject('mongoUrl'),
        MONGODB_DB: engine.database.db.databaseName,
        DEVICE_ID: device_id,
        POISON_ID: String(poison),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code, signal] = await once(child, 'exit');
    if (code === 0) return deaths;
    expect(signal).toBe('SIGKILL');
  }
  throw new Error('the batch was never applied');
}

describe('a redrive changes no other verdict', () => {
  it('when the id stands in the ledger with other content', async () => {
    const device_id = 'reused';
    const { letter, poison } = await setAside(device_id, 60);
    const other = [sent.count(poison, 999, { item_code: `item ${poison}` })];
    const batch = await engine.store(other, { device_id });
    await engine.drain(device_id, { decide: failing(poison) });
    expect(said(await engine.results(batch))).toEqual(['rejected operation_id_reused']);
    await redrive(`${batch}/${poison}`);
    await engine.drain(device_id);
    expect(said(await engine.results(batch))).toEqual(['rejected operation_id_reused']);
    expect(await linesOf(poison)).toEqual([]);
    await redrive(letter);
    await engine.drain(device_id);
    expect(await linesOf(poison)).toEqual([`${poison} v1`]);
  });
});

describe('a letter', () => {
  it.each([['staff'], ['supervisor']])('is none of the business of %s', async (role) => {
    const { letter } = await setAside(`not for ${role}`, role === 'staff' ? 70 : 75);
    const as = { role, who: 'ana' };
    const answers = [
      await engine.call('GET', LETTERS, as),
      await redrive(letter, as),
      await drop(letter, as),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(await letterOf(letter)).not.toHaveProperty('redriven_at');
  });

  it('that is not there is answered 404', async () => {
    expect((await redrive('no/1')).body).toMatchObject({ error_code: 'not_found' });
    expect((await drop('no/1')).status).toBe(404);
    expect(await actionsOf('no/1')).toEqual([]);
  });

  it('whose batch was deleted since is answered 404 with what to do, and changes nothing', async () => {
    const device_id = 'gone';
    const { batch, letter, poison } = await setAside(device_id, 80);
    await engine.database.batches.deleteOne({ _id: batch });
    const answer = await redrive(letter);
    expect(answer).toMatchObject({ status: 404, body: { error_code: 'not_found' } });
    expect(answer.body['detail']).toBe(
      'The batch of this operation was deleted, 30 days after it was applied. ' +
        'Have the count made again on the device, then drop this letter.',
    );
    expect(await letterOf(letter)).not.toHaveProperty('redriven_at');
    expect(said(await engine.upload(counts(poison), { device_id }))).toEqual(['rejected operation_failed']);
  });

  it('answered retry long ago is gone once its batches were deleted; one that got a verdict is unchanged', async () => {
    const device_id = 'long ago';
    const unknown = sent.count(1, 8, { session_id: 'never opened', item_code: 'long ago' });
    const known = sent.count(2, 8, { item_code: 'long ago, too' });
    const batch = await engine.store([unknown, known], { device_id });
    const refusing: typeof decideChunk = () => {
      throw new TypeError('no such thing');
    };
    await engine.drain(device_id, { decide: refusing });
    for (const id of [1, 2]) await redrive(`${batch}/${id}`);
    await engine.drain(device_id);
    expect(said(await engine.results(batch))).toEqual(['retry session_unknown', 'applied']);
    await engine.database.batches.deleteMany({ device_id });
    expect((await redrive(`${batch}/1`)).status).toBe(404);
    expect((await redrive(`${batch}/2`)).status).toBe(202);
    expect(await engine.database.batches.countDocuments({ device_id })).toBe(0);
  });

  it('that is dropped is gone, its operation stays rejected, and who did it is kept', async () => {
    const device_id = 'dropped';
    const { letter, poison } = await setAside(device_id, 90);
    expect((await drop(letter)).status).toBe(204);
    expect(await letterOf(letter)).toBeNull();
    expect((await drop(letter)).status).toBe(404);
    expect(said(await engine.upload(counts(poison), { device_id }))).toEqual(['rejected operation_failed']);
    expect(await actionsOf(letter)).toMatchObject([
      { action: 'dropped', by: 'root', via: 'http', letter: { _id: letter, reason: 'no such thing' } },
    ]);
  });
});

describe('the list', () => {
  it('pages through all letters, the latest first, each once', async () => {
    const total = await engine.database.deadLetters.countDocuments();
    expect(total).toBeGreaterThan(5);
    const seen: { id: string; created_at: string }[] = [];
    let cursor = '';
    do {
      const { body } = await engine.call('GET', `${LETTERS}?limit=2${cursor}`, admin);
      expect(body['total']).toBe(total);
      seen.push(...(body['dead_letters'] as typeof seen));
      cursor = body['next_cursor'] === undefined ? '' : `&cursor=${body['next_cursor']}`;
    } while (cursor !== '');
    expect(new Set(seen.map(({ id }) => id)).size).toBe(total);
    const times = seen.map(({ created_at }) => created_at);
    expect(times).toEqual(times.toSorted().toReversed());
  });

  it('refuses more than 500 a page', async () => {
    expect((await engine.call('GET', `${LETTERS}?limit=501`, admin)).status).toBe(400);
  });
});
