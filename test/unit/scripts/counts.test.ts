import { expect, it } from 'vitest';
import { countLine, sumOf } from '../../../scripts/test/counts.ts';

it('counts in one line, skipped ones only where there are any', () => {
  expect(countLine(sumOf([]))).toBe('0 passed, 0 failed');
  const counts = [
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 10, failed: 2, skipped: 3 },
  ];
  expect(countLine(sumOf(counts))).toBe('11 passed, 2 failed, 3 skipped');
});
