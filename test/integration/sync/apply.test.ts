import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COUNTED, sent } from '../../unit/sync/fixtures.ts';
import { conflictState, openSession, type SyncEngine, said, syncEngine } from './sync-engine.ts';

let engine: SyncEngine;
beforeAll(async () => {
  engine = await syncEngine();
});
afterAll(() => engine.drop());

const DATE = expect.any(Date);

test('one batch with every verdict, and what stands in the database after it', async () => {
  const session_id = 'all';
  await engine.database.erpItems.insertMany([
    { item_code: 'bolt', stock_qty: 12, mrp: 3, category: 'metal' },
    { item_code: 'nut', stock_qty: 5 },
  ] as never[]);
  await openSession(engine, session_id);
  const eventsBefore = (await engine.events()).length;
  const nut = (qty: number, over = {}) => ({ session_id, item_code: 'nut', counted_qty: qty, ...over });
  const results = await engine.upload([
    sent.count(1, 6, nut(6, { location: 'A1', counted_at: COUNTED.getTime() })),
    sent.count(1, 6, nut(6, { location: 'A1', counted_at: COUNTED.getTime() })),
    sent.count(2, 7, { session_id }),
    sent.count(3, -1, { session_id }),
    sent.count(4, 7, { session_id: 'nowhere' }),
    sent.count(5, 10, { session_id }),
  ]);
  expect(said(results)).toEqual([
    'applied',
    'duplicate',
    'conflict update_conflict',
    'rejected invalid_payload',
    'retry session_unknown',
    'conflict update_conflict',
  ]);
  expect(results[5]!.conflict_id).toBe(results[2]!.conflict_id);
  expect(results[2]!.server).toMatchObject({ version: 1, counted_qty: 10, counted_by: 'bob' });

  const [line] = await engine.database.lines
    .find({ session_id, item_code: 'nut' }, { projection: { _id: 0 } })
    .toArray();
  expect(line).toEqual({
    id: expect.stringMatching(/^[\da-f-]{36}$/),
    session_id,
    item_code: 'nut',
    location: 'A1',
    counted_qty: 6,
    erp_qty: 5,
    erp_qty_source: 'erp_items',
    variance: 1,
    variance_value: null,
    variance_reason: null,
    category: null,
    unit_value: null,
    note: null,
    counted_by: 'ana',
    counted_at: COUNTED,
    version: 1,
    updated_at: DATE,
    device_id: 'phone-A',
    queue_epoch: 'e1',
  });
  expect(await engine.database.lines.findOne({ session_id, item_code: 'bolt' })).toMatchObject({
    counted_qty: 10,
    erp_qty: 12,
    unit_value: 3,
    category: 'metal',
    variance_value: -6,
  });
  expect(await engine.database.sessions.findOne({ session_id }, { projection: { _id: 0 } })).toEqual({
    id: session_id,
    session_id,
    warehouse: 'North',
    type: 'STANDARD',
    status: 'OPEN',
    started_at: COUNTED,
    closed_at: null,
    staff_user: 'bob',
    notes: null,
    offline_created: true,
    sync_status: 'conflict',
    conflict_items: ['bolt'],
  });

  const lock = await engine.database.locks.findOne({ item_code: 'bolt' });
  expect(lock).toMatchObject({ session_id, locked_by: 'ana', reason: 'offline_sync', fence: 1 });
  expect(lock!.expires_at.getTime() - lock!.locked_at.getTime()).toBe(900_000);
  expect(engine.rings.at).toContainEqual(lock!.expires_at);
  const conflict = await engine.database.conflicts.findOne({ session_id });
  expect(conflict!.trail.map(({ step, fence }) => [step, fence])).toEqual([
    ['opened', 1],
    ['joined', undefined],
  ]);
  expect(await engine.database.operations.countDocuments({})).toBe(2 + 4);
  expect(
    (await engine.events()).slice(eventsBefore).map(({ type, payload }) => `${type} ${payload.action}`),
  ).toEqual([
    'user_activity create',
    'item_update update',
    'item_update update',
    'session_update update',
    'item_update update',
  ]);
  expect(
    await engine.database.dirtyPeriods.countDocuments({ day: '2026-03-02', timezone: 'Europe/Berlin' }),
  ).toBe(2);
});

test('user_activity is told once per device and session', async () => {
  await openSession(engine, 'visits');
  await engine.upload([sent.count(101, 10, { session_id: 'visits' })]);
  await engine.upload([sent.count(102, 10, { session_id: 'visits' })]);
  const told = (await engine.events()).filter(
    ({ type, payload }) => type === 'user_activity' && payload.data['session_id'] === 'visits',
  );
  expect(told.map(({ payload }) => payload.data['device_id'])).toEqual(['phone-B', 'phone-A']);
});

test('a completed session tells its figures', async () => {
  const session_id = 'done';
  const at = COUNTED.getTime();
  await engine.upload([
    sent.start(201, { session_id }),
    sent.count(202, 4, { session_id, item_code: 'x', erp_qty: 5 }),
    sent.count(203, 1, { session_id, item_code: 'x', erp_qty: 5, location: 'B' }),
    sent.count(204, 3, { session_id, item_code: 'y', erp_qty: 2 }),
    sent.complete(205, { session_id, completed_at: at }),
  ]);
  const figures = (await engine.events()).find(
    ({ type, payload }) => type === 'count_complete' && payload.entity_id === session_id,
  );
  expect(figures!.payload.data).toEqual({
    session_id,
    total_items: 2,
    items_with_variance: 1,
    accuracy_rate: 50,
    completed_by: 'ana',
    completed_at: new Date(at).toISOString(),
  });
  expect(await engine.database.sessions.findOne({ session_id })).toMatchObject({
    status: 'CLOSED',
    closed_at: new Date(at),
  });
});

test('a closed session: equal is applied, other is a conflict without a lock that does not reopen it', async () => {
  const session_id = 'closed';
  await openSession(engine, session_id);
  await engine.upload([sent.complete(301, { session_id })]);
  const item = (qty: number) => ({ session_id, item_code: 'bolt', counted_qty: qty });
  const results = await engine.upload([sent.count(302, 10, item(10)), sent.count(303, 9, item(9))]);
  expect(said(results)).toEqual(['applied', 'conflict session_closed']);
  expect(await engine.database.locks.countDocuments({ session_id })).toBe(0);
  const resolved = await engine.resolve(results[1]!.conflict_id!, {});
  expect(resolved).toMatchObject({ kind: 'resolved', line: { counted_qty: 9, version: 2 } });
  expect(await engine.database.sessions.findOne({ session_id })).toMatchObject({ status: 'CLOSED' });
  expect(await conflictState(engine.database, session_id)).toEqual({
    sync_status: 'synced',
    conflict_items: [],
    pending: [],
  });
});

test('a voided line is counted anew, from its version on', async () => {
  const session_id = 'void';
  await openSession(engine, session_id);
  const line = await engine.database.lines.findOne({ session_id });
  const voided = await engine.voidLine(session_id, line!.id);
  expect(voided).toMatchObject({ version: 2, voided_by: 'sue', void_reason: 'typo' });
  expect(await engine.voidLine(session_id, line!.id)).toEqual(voided);
  expect(await engine.voidLine('other', line!.id)).toBeNull();
  const [result] = await engine.upload([sent.count(401, 3, { session_id, base_version: 1 })]);
  expect(result).toMatchObject({ verdict: 'applied', server: { version: 3, counted_qty: 3 } });
  const after = await engine.database.lines.findOne({ session_id });
  expect(after).toMatchObject({ id: line!.id, version: 3, counted_qty: 3 });
  expect(Object.keys(after!).filter((field) => field.startsWith('void'))).toEqual([]);
});

describe('times', () => {
  test.each([
    ['an hour ahead', 3_600_000, 'skew'],
    ['right', 0, undefined],
  ])('a clock %s', async (name, ahead, mark) => {
    const session_id = `clock ${name}`;
    const said = Date.now() - 60_000 + ahead;
    await engine.upload([sent.start(1, { session_id }), sent.count(2, 1, { session_id, counted_at: said })], {
      device_id: name,
      sent_at: new Date(Date.now() + ahead),
    });
    const line = await engine.database.lines.findOne({ session_id });
    expect(line!.time_adjusted).toBe(mark);
    expect(line!.counted_at_device?.getTime()).toBe(mark ? said : undefined);
    expect(Math.abs(line!.counted_at.getTime() - (said - ahead))).toBeLessThan(20_000);
  });
  test('the ends of what a date can hold are taken and become the receipt', async () => {
    const far = (year: number) => ({ session_id: 'far', item_code: String(year), counted_at: year });
    const results = await engine.upload([
      sent.start(501, { session_id: 'far' }),
      sent.count(502, 1, far(8.64e15)),
      sent.count(503, 1, far(-8.64e12)),
    ]);
    expect(said(results)).toEqual(['applied', 'applied', 'applied']);
    const lines = await engine.database.lines
      .find({ session_id: 'far' })
      .sort({ time_adjusted: 1 })
      .toArray();
    expect(lines.map((line) => [line.time_adjusted, line.counted_at_device])).toEqual([
      ['future', new Date(8.64e15)],
      ['past', new Date(-8.64e15)],
    ]);
  });
});

test('batches of one device apply in the order received, also when a later one is rung for first', async () => {
  const session_id = 'order';
  const ids = [
    await engine.store([sent.start(601, { session_id })]),
    await engine.store([sent.count(602, 1, { session_id })]),
    await engine.store([sent.count(603, 2, { session_id })]),
  ];
  engine.rings.applied.length = 0;
  await engine.drain();
  expect(engine.rings.applied).toEqual(ids);
  expect(await engine.database.lines.findOne({ session_id })).toMatchObject({ counted_qty: 2, version: 2 });
});

test('a drain ends after five batches and rings for the rest', async () => {
  const device_id = 'busy';
  for (let n = 1; n <= 6; n += 1) await engine.store([sent.count(n, 1, { session_id: '?' })], { device_id });
  await engine.drain(device_id);
  expect(await engine.database.batches.countDocuments({ device_id, state: 'applied' })).toBe(5);
  expect(engine.rings.devices).toEqual([device_id]);
});
