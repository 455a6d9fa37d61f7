import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fillInbox } from '../../support/fill-inbox.ts';
import { sent } from '../../unit/sync/fixtures.ts';
import { batchOf, type HttpEngine, httpEngine } from './http-engine.ts';

const LIMIT = 100_000;

let engine: HttpEngine;
beforeAll(async () => {
  engine = await httpEngine();
});
afterAll(() => engine.drop());

const upload = (body: unknown) => engine.call('POST', '/api/sync/batches', { body });
const start = (id: number) => batchOf([sent.start(id, { session_id: `S-${id}` })]);

test('over 100,000 unapplied batches a new one is 503 with Retry-After, one that was accepted passes', async () => {
  const accepted = start(1);
  expect((await upload(accepted)).status).toBe(202);
  await engine.stored();
  await fillInbox(engine.database.db, LIMIT);
  // The count of the upload before is good for a second.
  await vi.waitFor(async () => expect((await upload(start(2))).status).toBe(503), { timeout: 20_000 });
  const before = await engine.stored();
  const refused = await upload(start(3));
  expect([refused.status, refused.body['error_code'], refused.headers['retry-after']]).toEqual([
    503,
    'unavailable',
    '30',
  ]);
  expect(await engine.stored()).toEqual(before);
  expect((await upload(accepted)).status).toBe(200);
  await engine.database.batches.deleteMany({ device_id: 'waiting' });
  await vi.waitFor(async () => expect((await upload(start(4))).status).toBe(202), { timeout: 20_000 });
});
