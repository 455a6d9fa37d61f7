import { describe, expect, test } from 'vitest';
import {
  COUNTED,
  conflict,
  decide,
  eventNames,
  line,
  lock,
  RECEIVED,
  sent,
  session,
  verdicts,
} from './fixtures.ts';

const open = { sessions: [session()] };
const foreign = { ...open, lines: [line()] };

describe('an applied count', () => {
  test('writes the whole line', () => {
    const { lines } = decide(
      [
        sent.count(1, 7, {
          erp_qty: 10,
          unit_value: 1.5,
          category: 'metal',
          variance_reason: 'lost',
          note: 'n',
        }),
      ],
      open,
    );
    expect(lines).toEqual([
      {
        before: null,
        after: {
          id: 'new-1',
          session_id: 'S-1',
          item_code: 'bolt',
          location: '',
          counted_qty: 7,
          erp_qty: 10,
          erp_qty_source: 'device',
          variance: -3,
          variance_value: -4.5,
          variance_reason: 'lost',
          category: 'metal',
          unit_value: 1.5,
          note: 'n',
          counted_by: 'ana',
          counted_at: COUNTED,
          version: 1,
          updated_at: RECEIVED,
          device_id: 'phone-A',
          queue_epoch: 'e1',
        },
      },
    ]);
  });

  const BOOK = { stock_qty: 12.00005, mrp: 3, category: ' tools ' };
  test.each([
    ['the device’s', { erp_qty: 10 }, BOOK, 10, 'device', -3, 3, 'tools'],
    ['the device’s zero', { erp_qty: 0 }, BOOK, 0, 'device', 7, 3, 'tools'],
    ['the ERP’s', {}, BOOK, 12.0001, 'erp_items', -5.0001, 3, 'tools'],
    [
      'the ERP’s, value and category the device’s',
      { unit_value: 9, category: 'x' },
      BOOK,
      12.0001,
      'erp_items',
      -5.0001,
      9,
      'x',
    ],
    ['none', {}, undefined, null, 'none', null, null, null],
    ['none in an ERP row that has none', {}, {}, null, 'none', null, null, null],
    [
      'none in an ERP row of nonsense',
      {},
      { stock_qty: '12', mrp: Number.NaN, category: 5 },
      null,
      'none',
      null,
      null,
      null,
    ],
  ])('book: %s', (_name, payload, erp, erp_qty, source, variance, unit_value, category) => {
    const erpItems = new Map(erp ? [['bolt', erp as object]] : []);
    const { lines } = decide([sent.count(1, 7, payload)], { ...open, erpItems });
    expect(lines[0]!.after).toMatchObject({
      erp_qty,
      erp_qty_source: source,
      variance,
      unit_value,
      category,
    });
  });

  test('keeps the device’s time beside an adjusted one', () => {
    const item = sent.count(1, 7, { counted_at: RECEIVED.getTime() + 5 });
    expect(decide([item], open).lines[0]!.after).toMatchObject({
      counted_at: RECEIVED,
      counted_at_device: new Date(RECEIVED.getTime() + 5),
      time_adjusted: 'future',
    });
  });

  test('over a voided line goes on from its version and is voided no more', () => {
    const voided = line({ voided_at: COUNTED, voided_by: 'sue', void_reason: 'typo', version: 4 });
    const { lines, results } = decide([sent.count(1)], { ...open, lines: [voided] });
    expect(results).toMatchObject([{ verdict: 'applied', server: { version: 5, counted_qty: 7 } }]);
    expect(lines[0]!.after).toMatchObject({ id: 'line-1', version: 5 });
    expect(lines[0]!.after).not.toHaveProperty('voided_at');
  });

  test('tells the item over all its locations', () => {
    const elsewhere = line({ location: 'B', counted_qty: 4, erp_qty: 12, id: 'line-2' });
    const { events } = decide([sent.count(1, 7, { erp_qty: 12 })], { ...open, lines: [elsewhere] });
    expect(events.find(({ type }) => type === 'item_update')!.payload.data).toMatchObject({
      line_quantity: 7,
      physical_count: 11,
      erp_quantity: 12,
      variance: -1,
      has_variance: true,
      version: 1,
    });
  });
});

test('an equal count of another version writes nothing: no version, no event, no dirty day', () => {
  const plan = decide([sent.count(1, 10)], { ...foreign, visitedSessions: new Set(['S-1']) });
  expect(verdicts(plan)).toEqual(['applied']);
  expect(plan.results[0]!.server).toEqual({
    version: 3,
    counted_qty: 10,
    counted_by: 'bob',
    counted_at: COUNTED.toISOString(),
  });
  expect(plan).toMatchObject({ lines: [], events: [], touchedItems: [], changedSessions: [] });
  expect(plan.ledger).toHaveLength(1);
});

describe('a conflict', () => {
  test('keeps both values, takes the free lock, marks the session', () => {
    const plan = decide([sent.count(1, 7, { base_version: 2, erp_qty: 12, note: 'n' })], foreign);
    const local = {
      counted_qty: 7,
      variance_reason: null,
      note: 'n',
      erp_qty: 12,
      counted_by: 'ana',
      counted_at: COUNTED,
      version: 2,
    };
    const server = { ...local, counted_qty: 10, note: null, counted_by: 'bob', version: 3 };
    expect(plan.openedConflicts).toEqual([
      {
        conflict_id: 'new-1',
        conflict_type: 'update_conflict',
        session_id: 'S-1',
        item_code: 'bolt',
        location: '',
        device_id: 'phone-A',
        queue_epoch: 'e1',
        base_version: 2,
        local_value: local,
        local_details: { erp_qty: 12, erp_qty_source: 'device', unit_value: null, category: null },
        status: 'pending',
        created_at: RECEIVED,
        trail: [{ at: RECEIVED, by: 'ana', step: 'opened', local_value: local, server_value: server }],
      },
    ]);
    expect(plan.locks).toEqual([{ item_code: 'bolt', session_id: 'S-1', conflict_id: 'new-1' }]);
    expect(plan.changedSessions).toMatchObject([{ sync_status: 'conflict', conflict_items: ['bolt'] }]);
    expect(plan.lines).toEqual([]);
    expect(eventNames(plan)).toEqual(['user_activity create', 'conflict pending', 'session_update update']);
  });

  test('of a closed session asks for no lock and leaves it closed', () => {
    const plan = decide([sent.count(1)], { ...foreign, sessions: [session({ status: 'CLOSED' })] });
    expect(plan.locks).toEqual([]);
    expect(plan.changedSessions).toMatchObject([{ status: 'CLOSED', sync_status: 'conflict' }]);
  });

  test('does not take a lock that another session holds', () => {
    const locks = new Map([['bolt', lock({ session_id: 'S-9' })]]);
    const plan = decide([sent.count(1)], { ...foreign, locks });
    expect([verdicts(plan), plan.locks]).toEqual([['conflict update_conflict'], []]);
  });

  test('locks the item for the rest of the batch, its other locations too', () => {
    const plan = decide([sent.count(1), sent.count(2, 5, { location: 'B' })], foreign);
    expect(verdicts(plan)).toEqual(['conflict update_conflict', 'conflict lock_conflict']);
    expect(plan.locks).toHaveLength(1);
    expect(plan.changedSessions).toMatchObject([{ conflict_items: ['bolt'] }]);
  });

  test('takes a later count of the same device in: value replaced, trail keeps both', () => {
    const pending = conflict();
    const facts = { ...foreign, sessions: [session({ conflict_items: ['bolt'], sync_status: 'conflict' })] };
    const plan = decide([sent.count(1, 8), sent.count(2, 9)], { ...facts, pendingConflicts: [pending] });
    expect(plan.results.map((result) => [result.verdict, result.conflict_id])).toEqual([
      ['conflict', 'c-1'],
      ['conflict', 'c-1'],
    ]);
    expect(plan.openedConflicts).toEqual([]);
    expect(
      plan.changedConflicts.map(({ local_value, trail }) => [
        local_value.counted_qty,
        trail.map((entry) => [entry.step, entry.local_value?.counted_qty]),
      ]),
    ).toEqual([
      [
        9,
        [
          ['opened', undefined],
          ['joined', 8],
          ['joined', 9],
        ],
      ],
    ]);
    expect(plan.changedSessions).toEqual([]);
  });

  test.each([
    ['another device', { device_id: 'phone-C' }],
    ['an older epoch of this device', { queue_epoch: 'e0' }],
    ['another location', { location: 'B' }],
  ])('of %s is not joined', (_name, over) => {
    const plan = decide([sent.count(1)], { ...foreign, pendingConflicts: [conflict(over)] });
    expect(plan.openedConflicts).toHaveLength(1);
    expect(plan.changedConflicts).toEqual([]);
  });

  test('has a trail of at most 100 steps, the first among them', () => {
    const many = Array.from({ length: 150 }, (_, n) => sent.count(n + 1, n));
    const plan = decide(many, { ...foreign, pendingConflicts: [conflict()] });
    const [{ trail }] = plan.changedConflicts as [ReturnType<typeof conflict>];
    expect(trail).toHaveLength(100);
    expect(trail.at(0)!.step).toBe('opened');
    expect(trail.at(-1)!.local_value!.counted_qty).toBe(149);
  });
});

describe('a session', () => {
  test('is created as the contract says', () => {
    const plan = decide([sent.start(1, { type: 'BLIND', notes: 'n' })]);
    expect(plan.createdSessions).toEqual([session({ type: 'BLIND', notes: 'n' })]);
    expect(plan.results[0]!.server).toEqual({ session_id: 'S-1', status: 'OPEN', sync_status: 'synced' });
    expect(eventNames(plan)).toEqual(['session_update create', 'user_activity create']);
  });
  test('is closed at the adjusted time; notes stay unless new ones come', () => {
    const sessions = [session({ notes: 'before' })];
    expect(decide([sent.complete(1)], { sessions }).changedSessions).toEqual([
      session({ status: 'CLOSED', closed_at: COUNTED, notes: 'before' }),
    ]);
    const late = sent.complete(1, { completed_at: RECEIVED.getTime() + 1, notes: 'after' });
    expect(decide([late], { sessions }).changedSessions).toMatchObject([
      { closed_at: RECEIVED, notes: 'after' },
    ]);
  });
  test('counts as visited once per device, not for a retry or a mismatch', () => {
    expect(decide([sent.count(1), sent.count(2)], open).newlyVisitedSessions).toEqual(['S-1']);
    expect(
      decide([sent.count(1)], { ...open, visitedSessions: new Set(['S-1']) }).newlyVisitedSessions,
    ).toEqual([]);
    expect(decide([sent.count(1)]).newlyVisitedSessions).toEqual([]);
    expect(decide([sent.start(1, { type: 'BLIND' })], open).newlyVisitedSessions).toEqual([]);
  });
});
