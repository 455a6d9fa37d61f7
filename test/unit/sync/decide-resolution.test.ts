import { describe, expect, test } from 'vitest';
import {
  decideResolution,
  type ResolutionFacts,
  type ResolutionRequest,
} from '../../../src/domain/sync/decide-resolution.ts';
import { COUNTED, conflict, line, lock, RECEIVED, session } from './fixtures.ts';

const marked = session({ sync_status: 'conflict', conflict_items: ['bolt', 'nut'] });

const decide = (request: Partial<ResolutionRequest> = {}, facts: Partial<ResolutionFacts> = {}) =>
  decideResolution(
    { resolution: 'keep_local', server_version: 3, user_id: 'sue', ...request },
    {
      now: RECEIVED,
      conflict: conflict(),
      session: marked,
      line: line(),
      lock: undefined,
      otherPending: 0,
      newId: () => 'new-1',
      ...facts,
    },
  );

const theirs = (reason: 'manual' | 'conflict_resolution') => lock({ reason, locked_by: 'max' });
const mine = lock({ reason: 'conflict_resolution' });
const voided = line({ voided_at: COUNTED });

describe('whether a person may decide', () => {
  test.each([
    ['a free item', {}, {}, 'resolve'],
    ['an item that an upload locked', {}, { lock: lock({ locked_by: 'ana' }) }, 'resolve'],
    ['their own item, without the fence', {}, { lock: mine }, 'resolve'],
    ['their own item, with its fence', { fence: 4 }, { lock: mine }, 'resolve'],
    ['not with an older fence', { fence: 3 }, { lock: mine }, 'lock_lost'],
    ['not with a fence of a lock that ended', { fence: 4 }, {}, 'lock_lost'],
    ['not with somebody else’s fence', { fence: 4 }, { lock: theirs('manual') }, 'lock_lost'],
    ['not under somebody else’s manual lock', {}, { lock: theirs('manual') }, 'item_locked'],
    ['not under somebody else’s claim', {}, { lock: theirs('conflict_resolution') }, 'item_locked'],
    ['not on an older version', { server_version: 2 }, {}, 'version_changed'],
    ['not on a newer version', { server_version: 4 }, {}, 'version_changed'],
    [
      'not on a version where there is no line',
      { server_version: 3 },
      { line: undefined },
      'version_changed',
    ],
    ['on 0 where there is no line', { server_version: 0 }, { line: undefined }, 'resolve'],
    ['not on 0 where there is one', { server_version: 0 }, {}, 'version_changed'],
    ['on 0 where it is voided', { server_version: 0 }, { line: voided }, 'resolve'],
    ['not twice', {}, { conflict: conflict({ status: 'resolved' }) }, 'already_resolved'],
    [
      'not twice, whatever else is wrong',
      { fence: 9, server_version: 9 },
      { conflict: conflict({ status: 'resolved' }) },
      'already_resolved',
    ],
  ] as const)('%s', (_name, request, facts, kind) => {
    expect(decide(request, facts).kind).toBe(kind);
  });
});

describe('what is written', () => {
  const written = (request: Partial<ResolutionRequest>, facts: Partial<ResolutionFacts> = {}) => {
    const decision = decide(request, facts);
    if (decision.kind !== 'resolve') throw new Error(decision.kind);
    return decision;
  };

  test('keep_server leaves the line', () => {
    expect(written({ resolution: 'keep_server' }).line).toBeUndefined();
  });
  test('keep_local writes the local count with its who and when', () => {
    const details = { counted_at_device: COUNTED, time_adjusted: 'skew' as const };
    const local_details = { ...conflict().local_details, ...details };
    expect(written({}, { conflict: conflict({ local_details }) }).line).toEqual(
      line({
        counted_qty: 7,
        variance: -5,
        variance_value: -10,
        variance_reason: 'broken',
        note: 'top shelf',
        counted_by: 'ana',
        version: 4,
        updated_at: RECEIVED,
        device_id: 'phone-A',
        ...details,
      }),
    );
  });
  test('keep_local without a line makes one', () => {
    const { line: made } = written({ server_version: 0 }, { line: undefined });
    expect(made).toMatchObject({ id: 'new-1', version: 1, counted_qty: 7 });
  });
  test('over a voided line goes on from its version', () => {
    const { line: made } = written({ server_version: 0 }, { line: voided });
    expect(made).toMatchObject({ id: 'line-1', version: 4 });
    expect(made).not.toHaveProperty('voided_at');
  });
  test.each([
    ['its quantity, the rest of the local count', { counted_qty: 9.00005 }, 9.0001, 'broken', 'top shelf'],
    ['its own reason and note', { counted_qty: 9, variance_reason: 'found', note: 'x' }, 9, 'found', 'x'],
    ['no reason and note', { counted_qty: 9, variance_reason: '', note: '' }, 9, null, null],
  ])('merge writes %s', (_name, merged_value, counted_qty, variance_reason, note) => {
    expect(written({ resolution: 'merge', merged_value }).line).toMatchObject({
      counted_qty,
      variance_reason,
      note,
      counted_by: 'ana',
      counted_at: COUNTED,
      version: 4,
    });
  });

  test.each([
    ['the last one of the item', 0, ['nut'], 'conflict', true],
    ['not while another is pending', 1, undefined, undefined, false],
  ])('session and lock: %s', (_name, otherPending, items, status, endLock) => {
    const decision = written({}, { otherPending, lock: lock() });
    expect(decision.endLock).toBe(endLock);
    expect(decision.session?.conflict_items).toEqual(items);
    expect(decision.session?.sync_status).toBe(status);
  });
  test('the last item of the session makes it synced; a closed one stays closed', () => {
    const closed = session({ status: 'CLOSED', sync_status: 'conflict', conflict_items: ['bolt'] });
    expect(written({}, { session: closed }).session).toEqual(session({ status: 'CLOSED' }));
  });
  test('a lock that the item has in another session does not end', () => {
    expect(written({}, { lock: lock({ session_id: 'S-9' }) }).endLock).toBe(false);
  });
});
