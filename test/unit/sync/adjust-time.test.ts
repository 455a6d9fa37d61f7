import { describe, expect, test } from 'vitest';
import { adjustTime } from '../../../src/domain/sync/adjust-time.ts';

const RECEIVED = Date.parse('2026-03-02T10:00:00Z');
const MINUTE = 60_000;
const DAY = 86_400_000;

/** All in ms relative to the receipt: when the device says it sent and counted. */
function adjusted(sent: number, counted: number): [number, string | undefined] {
  const { at, adjusted } = adjustTime(new Date(RECEIVED + counted), {
    sentAt: new Date(RECEIVED + sent),
    receivedAt: new Date(RECEIVED),
    maxAgeDays: 400,
  });
  return [at.getTime() - RECEIVED, adjusted];
}

describe('a device time', () => {
  test.each([
    ['stays with a right clock', 0, -MINUTE, -MINUTE, undefined],
    ['stays at the receipt itself', 0, 0, 0, undefined],
    ['stays with a clock 10 minutes behind', -10 * MINUTE, -11 * MINUTE, -11 * MINUTE, undefined],
    ['stays with a clock 10 minutes ahead, in the past', 10 * MINUTE, -MINUTE, -MINUTE, undefined],
    ['moves with a clock a ms over 10 minutes behind', -10 * MINUTE - 1, -11 * MINUTE, -MINUTE + 1, 'skew'],
    ['moves with a clock a ms over 10 minutes ahead', 10 * MINUTE + 1, 9 * MINUTE, -MINUTE - 1, 'skew'],
    ['moves with a clock a day behind', -DAY, -DAY - MINUTE, -MINUTE, 'skew'],
    ['becomes the receipt a ms later', 0, 1, 0, 'future'],
    ['becomes the receipt when corrected beyond it', -DAY, -DAY + MINUTE, 0, 'future'],
    ['counted after it was sent, in a clock ahead', DAY, DAY + MINUTE, 0, 'future'],
    ['stays 400 days before', 0, -400 * DAY, -400 * DAY, undefined],
    ['becomes the receipt a ms before that', 0, -400 * DAY - 1, 0, 'past'],
    ['becomes the receipt when corrected before that', DAY, -399.5 * DAY, 0, 'past'],
    ['is saved by its correction', -500 * DAY, -500 * DAY - MINUTE, -MINUTE, 'skew'],
    ['of the epoch of a dead battery, sent so', -RECEIVED + 5 * MINUTE, -RECEIVED, -5 * MINUTE, 'skew'],
  ] as const)('%s', (_name, sent, counted, at, mark) => {
    expect(adjusted(sent, counted)).toEqual([at, mark]);
  });

  test('at the ends of what a date can hold', () => {
    const far = 8.64e15 - RECEIVED;
    expect(adjusted(0, far)).toEqual([0, 'future']);
    expect(adjusted(0, -8.64e15 - RECEIVED)).toEqual([0, 'past']);
    expect(adjusted(-8.64e15 - RECEIVED, far)).toEqual([0, 'future']);
  });
});
