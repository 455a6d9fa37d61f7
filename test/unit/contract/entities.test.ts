import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { itemLock } from '../../../src/contract/schemas/item-lock.ts';
import { syncQueueRow } from '../../../src/contract/schemas/sync-queue-row.ts';
import { uploadBatch } from '../../../src/contract/schemas/upload-batch.ts';
import {
  DEFAULT_PREFERENCES,
  preferencesPatch,
  userPreferences,
} from '../../../src/contract/schemas/user-preferences.ts';

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe('UserPreferences', () => {
  const stored = { ...DEFAULT_PREFERENCES, user_id: 'ana', created_at: new Date(), updated_at: new Date() };
  test('the defaults of the contract', () => {
    expect(DEFAULT_PREFERENCES).toEqual({
      color_scheme: 'system',
      primary_color: '#007AFF',
      font_size: 'medium',
      font_scale: 1.0,
      push_notifications: true,
      sound_enabled: true,
      vibration_enabled: true,
    });
    expect(accepts(userPreferences, stored)).toBe(true);
  });
  test.each([
    ['primary_color', '#abcDEF', true],
    ['primary_color', '#12345', false],
    ['primary_color', '#1234567', false],
    ['primary_color', '123456', false],
    ['primary_color', '#12345g', false],
    ['primary_color', '#123456\n', false],
    ['font_scale', 0.85, true],
    ['font_scale', 1, true],
    ['font_scale', 1.15, true],
    ['font_scale', 1.1, false],
    ['font_scale', '1.0', false],
    ['font_size', 'huge', false],
    ['color_scheme', 'dark', true],
    ['color_scheme', 'blue', false],
    ['sound_enabled', 'yes', false],
  ])('%s %j: %s', (field, value, good) => {
    expect(accepts(userPreferences, { ...stored, [field]: value })).toBe(good);
    expect(accepts(preferencesPatch, { [field]: value })).toBe(good);
  });
  test.each([
    [{ font_size: 'small' }, { font_size: 'small', font_scale: 0.85 }],
    [{ font_size: 'medium' }, { font_size: 'medium', font_scale: 1 }],
    [{ font_size: 'large' }, { font_size: 'large', font_scale: 1.15 }],
    [
      { font_size: 'large', font_scale: 1 },
      { font_size: 'large', font_scale: 1 },
    ],
    [{ font_scale: 0.85 }, { font_scale: 0.85 }],
    [{ user_id: 'bob', nonsense: 1 }, {}],
  ])('a change %j means %j', (patch, meant) => {
    expect(preferencesPatch.parse(patch)).toEqual(meant);
  });
});

describe('ItemLock', () => {
  const from = Date.UTC(2026, 2, 2);
  const lockFor = (ms: number) => ({
    lock_id: '5b0c2a52-5d8c-4a1e-9f53-0d8f7d0f2f10',
    item_code: 'bolt',
    session_id: 'S-1',
    locked_by: 'sue',
    locked_at: new Date(from),
    expires_at: new Date(from + ms),
    reason: 'manual',
    fence: 1,
  });
  test.each([
    [-1, false],
    [0, false],
    [1, true],
    [900_000, true],
    [900_001, false],
  ])('a life of %d ms: %s', (ms, good) => {
    expect(accepts(itemLock, lockFor(ms))).toBe(good);
  });
  test.each([
    ['reason', 'because'],
    ['fence', 0],
    ['fence', 1.5],
    ['lock_id', 'x'],
  ])('not with %s %j', (field, value) => {
    expect(accepts(itemLock, { ...lockFor(1), [field]: value })).toBe(false);
  });
});

describe('SyncQueue', () => {
  const row = {
    id: 1,
    operation: 'count_update',
    entity_type: 'count_line',
    entity_id: null,
    payload: '{}',
    created_at: 1_772_445_600_000,
    error_message: null,
    synced_at: null,
  };
  test('the defaults of the seed', () => {
    expect(syncQueueRow.parse(row)).toMatchObject({ retry_count: 0, max_retries: 3, status: 'pending' });
  });
  test.each([
    ['max_retries', 0, true],
    ['max_retries', 10, true],
    ['max_retries', 11, false],
    ['max_retries', -1, false],
    ['payload', '[1, "x"]', true],
    ['payload', '{', false],
    ['payload', '', false],
    ['payload', 'NaN', false],
    ['status', 'conflict', true],
    ['status', 'lost', false],
    ['retry_count', -1, false],
  ])('%s %j: %s', (field, value, good) => {
    expect(accepts(syncQueueRow, { ...row, [field]: value })).toBe(good);
  });
});

describe('the envelope of an upload', () => {
  const batch = {
    batch_id: '5B0C2A52-5D8C-4A1E-9F53-0D8F7D0F2F10',
    device_id: ' phone ',
    queue_epoch: 'e1',
    sent_at: 0,
    items: [{ id: 1 }],
  };
  test('is trimmed, its id is lower case, unknown fields are dropped', () => {
    expect(uploadBatch.parse({ ...batch, colour: 'red', items: [{ id: 1, x: 1 }] })).toEqual({
      batch_id: batch.batch_id.toLowerCase(),
      device_id: 'phone',
      queue_epoch: 'e1',
      sent_at: new Date(0),
      schema_version: 1,
      items: [{ id: 1 }],
    });
  });
  test.each([
    ['batch_id', 'x'],
    ['batch_id', { $gt: '' }],
    ['device_id', ''],
    ['device_id', 'x'.repeat(129)],
    ['device_id', 'a\nb'],
    ['queue_epoch', 'x'.repeat(65)],
    ['queue_epoch', 7],
    ['sent_at', 'now'],
    ['sent_at', undefined],
    ['schema_version', 0],
    ['queue_remaining', -1],
    ['items', []],
    ['items', {}],
    ['items', [null]],
    ['items', [{ id: 0 }]],
    ['items', [{ id: 1.5 }]],
    ['items', [{ id: '1' }]],
    ['items', [{}]],
    ['items', [{ id: 2 ** 53 }]],
  ])('not with %s %j', (field, value) => {
    expect(accepts(uploadBatch, { ...batch, [field]: value })).toBe(false);
  });
});
