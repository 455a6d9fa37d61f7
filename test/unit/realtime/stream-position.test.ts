import { expect, test } from 'vitest';
import {
  comparePositions,
  followsOn,
  formatPosition,
  parsePosition,
} from '../../../src/realtime/stream-position.ts';

test.each([
  ['1795369327620-12', { epoch: 1795369327620, offset: 12 }],
  ['0-0', { epoch: 0, offset: 0 }],
])('%s is a place, and is written the same way again', (id, position) => {
  expect(parsePosition(id)).toEqual(position);
  expect(formatPosition(position)).toBe(id);
});

test.each(['', '1', '-1-2', '1-', 'a-b', '1-2-3', ' 1-2', '1-2\n', '1e3-1', '9999999999999999-1', '1-+'])(
  '%j is no place',
  (id) => {
    expect(parsePosition(id)).toBeUndefined();
  },
);

test('a later epoch comes after every offset of an earlier one', () => {
  const places = ['8-0', '7-10', '7-9', '9-1'].flatMap((id) => parsePosition(id) ?? []);
  expect(places.toSorted(comparePositions).map(formatPosition)).toEqual(['7-9', '7-10', '8-0', '9-1']);
});

test.each([
  ['7-3', '7-4', undefined, true],
  ['7-3', '7-5', undefined, false],
  ['7-3', '7-3', undefined, false],
  ['7-3', '8-1', undefined, false],
  ['7-9', '8-0', '7-9', true],
  // Rows that were sent and not marked come again in the new epoch: having had them already misses nothing.
  ['7-9', '8-0', '7-6', true],
  ['7-5', '8-0', '7-6', false],
  ['6-9', '8-0', '7-6', false],
  ['0-0', '8-0', '0-0', true],
])('after %s, %s (from %s) is the next: %s', (from, to, previous, expected) => {
  const [at, position, before] = [from, to, previous ?? ''].map(parsePosition);
  if (!at || !position) throw new Error('no position');
  expect(followsOn(at, { position, ...(before ? { previous: before } : {}) })).toBe(expected);
});
