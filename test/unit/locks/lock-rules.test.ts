import { describe, expect, test } from 'vitest';
import type { ItemLock } from '../../../src/contract/schemas/item-lock.ts';
import {
  isActive,
  isHolder,
  LockDurationError,
  lockDurationMs,
  mayClaim,
} from '../../../src/domain/locks/lock-rules.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 5, 9, 0, seconds));

const lock = (over: Partial<ItemLock> = {}): ItemLock => ({
  lock_id: '5b0c2a52-5d8c-4a1e-9f53-0d8f7d0f2f10',
  item_code: 'SKU-1',
  session_id: 'S-1',
  locked_by: 'mira',
  locked_at: at(0),
  expires_at: at(30),
  reason: 'manual',
  fence: 7,
  ...over,
});

describe('the wanted life of a lock', () => {
  test.each([1, 60, 900])('%i s is accepted', (seconds) => {
    expect(lockDurationMs(seconds)).toBe(seconds * 1000);
  });
  test.each([0, -1, 901, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d s is refused', (seconds) => {
    expect(() => lockDurationMs(seconds)).toThrow(LockDurationError);
  });
});

describe('a lock is active', () => {
  test.each([
    ['before its end', 29, true],
    ['not at its end', 30, false],
    ['not after it', 31, false],
  ])('%s', (_name, second, active) => {
    expect(isActive(lock(), at(second))).toBe(active);
  });
});

describe('who may renew or release', () => {
  test.each([
    ['the holder with the current fence', {}, { user_id: 'mira', fence: 7 }, true],
    ['not with an older fence', {}, { user_id: 'mira', fence: 6 }, false],
    ['not somebody else with the fence', {}, { user_id: 'omar', fence: 7 }, false],
    ['a claimer', { reason: 'conflict_resolution' }, { user_id: 'mira', fence: 7 }, true],
    ['nobody a lock of an upload', { reason: 'offline_sync' }, { user_id: 'mira', fence: 7 }, false],
  ] as const)('%s', (_name, over, claim, allowed) => {
    expect(isHolder(lock(over), claim)).toBe(allowed);
  });
});

describe('who may claim for resolution', () => {
  test.each([
    ['anybody a free item', undefined, true],
    ['anybody a lock of an upload', lock({ reason: 'offline_sync' }), true],
    ['their own', lock({ locked_by: 'omar' }), true],
    ['nobody another person manual lock', lock(), false],
    ['nobody another person claim', lock({ reason: 'conflict_resolution' }), false],
  ] as const)('%s', (_name, held, allowed) => {
    expect(mayClaim(held, 'omar')).toBe(allowed);
  });
});
