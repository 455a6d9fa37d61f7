import { describe, expect, test } from 'vitest';
import {
  nextState,
  ROW_TRANSITIONS,
  type RowEvent,
  type RowState,
  stateOf,
  statusOf,
} from '../../../src/device/row-transitions.ts';

/** The published rules, arrow by arrow; whatever is not here must be refused. */
const ALLOWED: readonly (readonly [RowState, RowEvent, RowState])[] = [
  ['pending', 'claimed', 'syncing'],
  ['syncing', 'applied', 'synced'],
  ['syncing', 'duplicate', 'synced'],
  ['syncing', 'conflicted', 'conflict'],
  ['syncing', 'rejected', 'rejected'],
  ['syncing', 'retry_later', 'waiting'],
  ['syncing', 'retries_used', 'set_aside'],
  ['syncing', 'too_large', 'set_aside'],
  ['syncing', 'id_reused', 'pending'],
  ['syncing', 'released', 'pending'],
  ['syncing', 'reopened', 'pending'],
  ['waiting', 'backoff_over', 'pending'],
  ['waiting', 'retried_by_person', 'pending'],
  ['set_aside', 'retried_by_person', 'pending'],
  ['conflict', 'applied', 'synced'],
  ['conflict', 'duplicate', 'synced'],
  ['conflict', 'resolved_by_person', 'synced'],
];

const EVENTS = Object.keys(ROW_TRANSITIONS) as RowEvent[];
const STATES = Object.keys(ROW_TRANSITIONS.claimed) as RowState[];
const CELLS = STATES.flatMap((state) => EVENTS.map((event) => ({ state, event })));

describe('row transitions', () => {
  test.each(CELLS)('$state × $event', ({ state, event }) => {
    const arrow = ALLOWED.find(([from, by]) => from === state && by === event);
    expect(nextState(state, event)).toBe(arrow?.[2] ?? null);
  });

  test('nothing leaves synced or rejected', () => {
    for (const event of EVENTS) {
      expect(nextState('synced', event)).toBeNull();
      expect(nextState('rejected', event)).toBeNull();
    }
  });

  test('a stored row and its state say the same', () => {
    expect(stateOf({ status: 'failed', verdict: 'retry', retry_at: 5 })).toBe('waiting');
    expect(stateOf({ status: 'failed', verdict: 'retry', retry_at: null })).toBe('set_aside');
    expect(stateOf({ status: 'failed', verdict: 'rejected', retry_at: null })).toBe('rejected');
    expect(stateOf({ status: 'pending', verdict: 'retry', retry_at: null })).toBe('pending');
    expect(STATES.map(statusOf)).toEqual([
      'pending',
      'syncing',
      'synced',
      'failed',
      'failed',
      'failed',
      'conflict',
    ]);
  });
});
