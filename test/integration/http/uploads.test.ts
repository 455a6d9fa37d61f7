import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sent } from '../../unit/sync/fixtures.ts';
import { batchOf, type CallOptions, type HttpEngine, httpEngine, sign } from './http-engine.ts';

let engine: HttpEngine;
beforeAll(async () => {
  engine = await httpEngine();
});
afterAll(() => engine.drop());

const BATCHES = '/api/sync/batches';
const WAIT = { prefer: 'wait=10' };
const upload = (body: unknown, options: CallOptions = {}) =>
  engine.call('POST', BATCHES, { body, ...options });
let nextId = 1;
const start = (session_id: string, over = {}) => sent.start(nextId++, { session_id, ...over });

describe('an accepted upload', () => {
  test('is 202 at once, and its verdicts are there later', async () => {
    const batch = batchOf([start('first')]);
    const answer = await upload(batch);
    expect([answer.status, answer.body]).toEqual([
      202,
      { batch_id: batch.batch_id, state: 'received', received: 1 },
    ]);
    await engine.stored();
    const status = await engine.call('GET', `${BATCHES}/${batch.batch_id.toUpperCase()}`);
    expect(status.body).toEqual({
      batch_id: batch.batch_id,
      state: 'applied',
      results: [
        {
          id: expect.any(Number),
          verdict: 'applied',
          server: { session_id: 'first', status: 'OPEN', sync_status: 'synced' },
        },
      ],
      server_time: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test.each([
    ['all applied: 200', [sent.start(11, { session_id: 'w1' })], 200],
    ['all duplicate: 200', [sent.start(11, { session_id: 'w1' })], 200],
    ['one rejected: 207', [sent.start(12, { session_id: 'w2' }), sent.count(13, -1)], 207],
    ['one retry: 207', [sent.count(14, 1, { session_id: '?' })], 207],
  ])('waited for, %s', async (_name, items, status) => {
    const answer = await upload(batchOf(items), { headers: WAIT });
    expect([answer.status, answer.body['state'], answer.headers['preference-applied']]).toEqual([
      status,
      'applied',
      'wait',
    ]);
  });

  test('waited for in vain: 202', async () => {
    engine.draining.on = false;
    const answer = await upload(batchOf([start('slow')], { device_id: 'slow' }), {
      headers: { prefer: 'wait=1' },
    });
    engine.draining.on = true;
    expect([answer.status, answer.body['state'], answer.headers['preference-applied']]).toEqual([
      202,
      'received',
      'wait',
    ]);
  });

  test('sent again it answers with its results at once, through every limit', async () => {
    const batch = batchOf([start('again')]);
    const first = await upload(batch, { headers: WAIT });
    engine.limit.retryAfter = 7;
    const again = await upload({ ...batch, sent_at: 5, queue_remaining: 9 });
    engine.limit.retryAfter = undefined;
    expect([again.status, again.body['results']]).toEqual([200, first.body['results']]);
  });

  test.each([
    ['other content', (batch: object) => ({ ...batch, items: [start('reuse')] }), 'ana'],
    ['another device', (batch: object) => ({ ...batch, device_id: 'phone-B' }), 'ana'],
    ['another epoch', (batch: object) => ({ ...batch, queue_epoch: 'e2' }), 'ana'],
    ['another user', (batch: object) => batch, 'bob'],
  ])('its id with %s: 409', async (_name, change, who) => {
    const batch = batchOf([start(`reused ${who}`)]);
    await upload(batch);
    const answer = await upload(change(batch), { who });
    expect([answer.status, answer.body['error_code']]).toEqual([409, 'batch_id_reused']);
  });

  test('gzipped it is read like any other', async () => {
    const batch = batchOf([start('zipped')]);
    for (const encoding of ['gzip', 'GZIP']) {
      const answer = await engine.call('POST', BATCHES, {
        raw: gzipSync(JSON.stringify(batch)),
        headers: { 'content-encoding': encoding, ...WAIT },
      });
      expect(answer.status).toBe(200);
    }
  });

  test('staff see their own batches, supervisors every one', async () => {
    const batch = batchOf([start('whose')]);
    await upload(batch);
    const url = `${BATCHES}/${batch.batch_id}`;
    const seen = async (who: string, role: string) => (await engine.call('GET', url, { who, role })).status;
    expect([await seen('ana', 'staff'), await seen('bob', 'staff'), await seen('sue', 'supervisor')]).toEqual(
      [200, 404, 200],
    );
  });
});

const nested = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
const json = (over: Record<string, unknown>) => JSON.stringify(batchOf([start('never')], over));
const withPayload = (payload: string) => json({}).replace(/"payload":\{[^}]*\}/, `"payload":${payload}`);

test.each([
  ['the batch', /^\{/],
  ['a payload', /"payload":\{/],
])('an odd key in %s is dropped like any unknown field', async (_name, place) => {
  for (const odd of ['"__proto__":{"x":1},', '"constructor":{"prototype":{"x":1}},']) {
    const raw = JSON.stringify(batchOf([start(`odd ${randomUUID()}`)])).replace(
      place,
      (found) => found + odd,
    );
    const answer = await engine.call('POST', BATCHES, {
      raw,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(202);
  }
});

describe('a refused upload stores nothing', () => {
  const refused = async (options: CallOptions, status: number, code: string) => {
    const before = await engine.stored();
    const answer = await engine.call('POST', BATCHES, options);
    expect([answer.status, answer.body['error_code']]).toEqual([status, code]);
    expect(answer.body).toMatchObject({ detail: expect.any(String), timestamp: expect.any(String) });
    expect(await engine.stored()).toEqual(before);
    return answer;
  };

  test.each([
    ['no JSON', '{', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['null', 'null', 400, 'invalid_request'],
    ['a list', '[]', 400, 'invalid_request'],
    ['100,000 open brackets', '['.repeat(100_000), 400, 'invalid_request'],
    ['a batch_id that is none', json({ batch_id: 'x' }), 400, 'invalid_request'],
    ['a batch_id of 10 kB', json({ batch_id: 'x'.repeat(10_240) }), 400, 'invalid_request'],
    ['a device_id of 10 kB', json({ device_id: 'x'.repeat(10_240) }), 400, 'invalid_request'],
    ['an operator for the device', json({ device_id: { $gt: '' } }), 400, 'invalid_request'],
    ['an operator for the epoch', json({ queue_epoch: { $gt: '' } }), 400, 'invalid_request'],
    ['an operator for the batch', json({ batch_id: { $gt: '' } }), 400, 'invalid_request'],
    ['an operator for the time', json({ sent_at: { $gt: '' } }), 400, 'invalid_request'],
    ['an operator for an id', json({ items: [{ id: { $gt: 0 } }] }), 400, 'invalid_request'],
    ['no items', json({ items: [] }), 400, 'invalid_request'],
    ['a number beyond doubles', json({}).replace(/"sent_at":\d+/, '"sent_at":1e999'), 400, 'invalid_request'],
    ['a newer version', json({ schema_version: 2 }), 400, 'unsupported_version'],
    [
      '501 items',
      json({ items: Array.from({ length: 501 }, (_, n) => ({ id: n + 1 })) }),
      413,
      'batch_too_large',
    ],
    ['over 1 MiB', json({ pad: 'x'.repeat(1024 * 1024) }), 413, 'batch_too_large'],
  ])('%s', async (_name, raw, status, code) => {
    await refused({ raw, headers: { 'content-type': 'application/json' } }, status, code);
  });

  test('its issues name the fields', async () => {
    const answer = await refused({ body: batchOf([{ id: 0 }], { device_id: 7 }) }, 400, 'invalid_request');
    const issues = answer.body['issues'] as { path: string; message: string }[];
    expect(issues.map(({ path }) => path).toSorted()).toEqual(['device_id', 'items.0.id']);
  });

  test('over 1 MiB in chunks, without a declared length', async () => {
    const answer = await engine.app.inject({
      method: 'POST',
      url: BATCHES,
      headers: {
        authorization: `Bearer ${sign({ sub: 'ana', role: 'staff' })}`,
        'content-type': 'application/json',
      },
      payload: Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(64 * 1024, ' '))),
    });
    expect([answer.statusCode, answer.json().error_code]).toEqual([413, 'batch_too_large']);
  });

  const zipped = { 'content-encoding': 'gzip' };
  test.each([
    ['a gzip bomb', gzipSync(Buffer.alloc(64 * 1024 * 1024)), zipped, 413, 'batch_too_large'],
    ['a gzip body over 1 MiB', gzipSync(randomBytes(1_200_000)), zipped, 413, 'batch_too_large'],
    ['a broken gzip body', Buffer.from('no gzip at all'), zipped, 400, 'invalid_request'],
    ['half a gzip body', gzipSync(randomBytes(1000)).subarray(0, 500), zipped, 400, 'invalid_request'],
    ['an empty gzip body', Buffer.alloc(0), zipped, 400, 'invalid_request'],
    ['brotli', Buffer.from('x'), { 'content-encoding': 'br' }, 400, 'invalid_request'],
    [
      'a form',
      Buffer.from('a=b'),
      { 'content-type': 'application/x-www-form-urlencoded' },
      400,
      'invalid_request',
    ],
  ])('%s', async (_name, raw, headers, status, code) => {
    await refused({ raw, headers }, status, code);
  });

  test('over the limit: 429 with the seconds to wait', async () => {
    engine.limit.retryAfter = 6.2;
    const answer = await refused({ body: batchOf([start('limited')]) }, 429, 'rate_limited');
    engine.limit.retryAfter = undefined;
    expect(answer.headers['retry-after']).toBe('7');
  });

  const soon = Math.floor(Date.now() / 1000) + 300;
  test.each([
    ['no token', null],
    ['an empty token', ''],
    ['alg none', sign({ sub: 'ana', role: 'admin' }, { alg: 'none' })],
    ['a forged one', sign({ sub: 'ana', role: 'admin' }, { secret: 'another-secret-of-32-characters!!' })],
    ['an expired one', sign({ sub: 'ana', role: 'staff', exp: soon - 600 })],
    ['a refresh token', sign({ sub: 'ana', role: 'staff', type: 'refresh' })],
    ['an unknown role', sign({ sub: 'ana', role: 'owner' })],
    ['no subject', sign({ role: 'staff' })],
  ])('%s: 401', async (_name, token) => {
    await refused({ token, body: batchOf([start('never')]) }, 401, 'unauthorized');
  });
});

test('what is wrong inside an item is that item’s verdict', async () => {
  const deep = withPayload(nested(100_000));
  const answer = await engine.call('POST', BATCHES, { raw: deep, headers: WAIT });
  expect(answer.status).toBe(207);
  expect(answer.body['results']).toMatchObject([{ verdict: 'rejected', code: 'invalid_payload' }]);
  const operators = ['operation', 'entity_type', 'created_at', 'payload'].map((field) =>
    sent.count(nextId++, 1, {}, { [field]: { $gt: '' } }),
  );
  const results = (await upload(batchOf(operators), { headers: WAIT })).body['results'] as {
    verdict: string;
  }[];
  expect(results.map(({ verdict }) => verdict)).toEqual(Array(4).fill('rejected'));
});
