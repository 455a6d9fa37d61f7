import { describe, expect, test } from 'vitest';
import type { ItemLock } from '../../../src/contract/schemas/item-lock.ts';
import {
  isHeldByAnother,
  isHolder,
  isManualHolder,
  LockDurationError,
  lockDurationMs,
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

describe('whom a lock keeps from claiming and resolving', () => {
  test.each([
    ['nobody, when it came with an upload', { reason: 'offline_sync' }, false],
    ['not its holder', { locked_by: 'omar' }, false],
    ['others, when it is manual', {}, true],
    ['others, when it was claimed', { reason: 'conflict_resolution' }, true],
  ] as const)('%s', (_name, over, kept) => {
    expect(isHeldByAnother(lock(over), 'omar')).toBe(kept);
  });
});

describe('who counts under a lock as under their own', () => {
  test.each([
    ['the holder of a manual lock', {}, 'mira', true],
    ['nobody else', {}, 'omar', false],
    ['not the uploader of the count that locked it', { reason: 'offline_sync' }, 'mira', false],
    ['not the claimer of a conflict', { reason: 'conflict_resolution' }, 'mira', false],
  ] as const)('%s', (_name, over, userId, allowed) => {
    expect(isManualHolder(lock(over), userId)).toBe(allowed);
  });
});
