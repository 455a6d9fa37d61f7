import { describe, expect, it } from 'vitest';
import type { StoredBatch } from '../../../scripts/chaos/check/evidence.ts';
import { quantile, recoveries } from '../../../scripts/chaos/faults/recovery.ts';

const batches = (...spans: [number, number | undefined][]) => ({
  batches: new Map(
    spans.map(([received, applied], index): [string, StoredBatch] => [
      String(index),
      {
        _id: String(index),
        device_id: 'A',
        seq: index,
        state: 'applied',
        received_at: new Date(received),
        ...(applied === undefined ? {} : { applied_at: new Date(applied) }),
        results: [],
      },
    ]),
  ),
});

const fault = { kind: 'kill_worker' as const, at: 1_000, healedAt: 1_500, isCombined: false };

describe('the recovery time of a fault', () => {
  it.each<[string, [number, number | undefined][], number[]]>([
    [
      'the last of those in flight',
      [
        [900, 1_200],
        [950, 3_000],
        [1_100, 9_000],
      ],
      [2_000],
    ],
    [
      'not of those that were applied before',
      [
        [100, 900],
        [1_400, 1_700],
      ],
      [700],
    ],
    [
      'the first one after it, when none was in flight',
      [
        [2_000, 2_500],
        [1_900, 2_100],
      ],
      [1_100],
    ],
    ['none, when nothing came after it', [[100, 900]], []],
  ])('is that of %s', (_what, spans, expected) => {
    expect(recoveries([fault], batches(...spans)).map(({ ms }) => ms)).toEqual(expected);
  });

  it('is not told of faults that came together', () => {
    expect(recoveries([{ ...fault, isCombined: true }], batches([900, 1_200]))).toEqual([]);
  });
});

describe('a quantile', () => {
  it.each([
    [0.5, 2],
    [0.95, 4],
    [1, 4],
  ])('%d by nearest rank', (share, expected) => {
    expect(quantile([4, 1, 3, 2], share)).toBe(expected);
  });

  it('of nothing is no number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});
