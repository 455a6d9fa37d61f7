import { describe, expect, test } from 'vitest';
import { type CountFacts, decideCount } from '../../../src/domain/sync/decide-count.ts';
import { count, line, lock, session } from './fixtures.ts';

const OWN = { device_id: 'phone-A', queue_epoch: 'e1' };

/** Phone A with user ana counts; the stored line is phone B's, version 3, 10 pieces. */
const facts = (over: Partial<CountFacts> = {}): CountFacts => ({
  session: session(),
  line: line(),
  lock: undefined,
  ownConflictId: undefined,
  writer: { ...OWN, user_id: 'ana', sentAgain: false },
  ...over,
});

function verdict(counted_qty: number, base_version: number, over: Partial<CountFacts> = {}): string {
  const decision = decideCount(count({ counted_qty, base_version }), facts(over));
  switch (decision.kind) {
    case 'open_conflict':
      return `${decision.conflictType}${decision.takeLock ? ' +lock' : ''}`;
    case 'join_conflict':
      return `joins ${decision.conflictId}`;
    case 'retry':
      return `retry ${decision.code}`;
    default:
      return decision.kind;
  }
}

describe('by version, in an open session without a lock', () => {
  test.each([
    ['no line', undefined, 0, 7, 'write'],
    ['no line, whatever the base', undefined, 9, 7, 'write'],
    ['own line, other base, other value', line(OWN), 1, 7, 'write'],
    ['own line, other base, equal value', line(OWN), 1, 10, 'write'],
    ['own line of an older epoch', line({ ...OWN, queue_epoch: 'e0' }), 1, 7, 'update_conflict +lock'],
    ['another device under the same epoch name', line({ queue_epoch: 'e1' }), 1, 7, 'update_conflict +lock'],
    ['foreign line, its version, other value', line(), 3, 7, 'write'],
    ['foreign line, its version, equal value', line(), 3, 10, 'write'],
    ['foreign line, older base, equal value', line(), 2, 10, 'unchanged'],
    ['foreign line, newer base, equal value', line(), 4, 10, 'unchanged'],
    ['foreign line, older base, other value', line(), 2, 7, 'update_conflict +lock'],
    ['foreign line, newer base, other value', line(), 4, 7, 'update_conflict +lock'],
    ['equal as decimals', line({ counted_qty: 0.3 }), 2, 0.1 + 0.2, 'unchanged'],
    ['a ten-thousandth apart', line({ counted_qty: 0.3 }), 2, 0.3001, 'update_conflict +lock'],
  ] as const)('%s', (_name, stored, base, qty, expected) => {
    expect(verdict(qty, base, { line: stored })).toBe(expected);
  });
});

describe('sent again by an operator: its device may have counted anew meanwhile', () => {
  const writer = { ...OWN, user_id: 'ana', sentAgain: true };
  test.each([
    ['no line', undefined, 0, 7, 'write'],
    ['own line that moved, other value', line(OWN), 0, 7, 'update_conflict +lock'],
    ['own line that moved, equal value', line(OWN), 0, 10, 'unchanged'],
    ['own line, its version', line(OWN), 3, 7, 'write'],
    ['foreign line that moved, other value', line(), 2, 7, 'update_conflict +lock'],
    ['foreign line, its version', line(), 3, 7, 'write'],
  ] as const)('%s', (_name, stored, base, qty, expected) => {
    expect(verdict(qty, base, { line: stored, writer })).toBe(expected);
  });
});

describe('by lock, before the version', () => {
  test.each([
    ['locked here by an upload', lock(), 3, 7, 'lock_conflict'],
    ['locked here, equal to the line, its version', lock(), 3, 10, 'write'],
    ['locked here, equal to the line, other version', lock(), 2, 10, 'unchanged'],
    ["somebody else's manual lock", lock({ reason: 'manual' }), 3, 7, 'lock_conflict'],
    ["somebody else's claim", lock({ reason: 'conflict_resolution' }), 3, 7, 'lock_conflict'],
    ['own manual lock, its version', lock({ reason: 'manual', locked_by: 'ana' }), 3, 7, 'write'],
    [
      'own manual lock, older base',
      lock({ reason: 'manual', locked_by: 'ana' }),
      2,
      7,
      'update_conflict +lock',
    ],
    ['own upload lock holds nothing', lock({ locked_by: 'ana' }), 3, 7, 'lock_conflict'],
    [
      'own claim is no manual lock',
      lock({ reason: 'conflict_resolution', locked_by: 'ana' }),
      3,
      7,
      'lock_conflict',
    ],
    ['locked in another session', lock({ session_id: 'S-2' }), 3, 7, 'write'],
    ['locked in another session, older base', lock({ session_id: 'S-2' }), 2, 7, 'update_conflict +lock'],
  ] as const)('%s', (_name, held, base, qty, expected) => {
    expect(verdict(qty, base, { lock: held })).toBe(expected);
  });

  test('a locked item without a line: any value differs', () => {
    expect(verdict(7, 0, { line: undefined, lock: lock() })).toBe('lock_conflict');
  });
  test('even the own line is held by a lock', () => {
    expect(verdict(7, 3, { line: line(OWN), lock: lock() })).toBe('lock_conflict');
  });
});

describe('an own pending conflict takes the count, whatever else holds', () => {
  test.each([
    ['other value', {}, 7],
    ['equal value', {}, 10],
    ['under a lock', { lock: lock() }, 7],
    ['no line', { line: undefined }, 7],
  ] as const)('%s', (_name, over, qty) => {
    expect(verdict(qty, 2, { ...over, ownConflictId: 'c-1' })).toBe('joins c-1');
  });
});

describe('in another session state', () => {
  const closed = session({ status: 'CLOSED' });
  test.each([
    ['unknown', { session: undefined }, 7, 'retry session_unknown'],
    ['closed, equal to the line', { session: closed }, 10, 'unchanged'],
    ['closed, other value', { session: closed }, 7, 'session_closed'],
    ['closed, its own line', { session: closed, line: line(OWN) }, 7, 'session_closed'],
    ['closed, no line', { session: closed, line: undefined }, 7, 'session_closed'],
    ['closed and locked', { session: closed, lock: lock() }, 7, 'session_closed'],
  ] as const)('%s', (_name, over, qty, expected) => {
    expect(verdict(qty, 3, over)).toBe(expected);
  });
});
