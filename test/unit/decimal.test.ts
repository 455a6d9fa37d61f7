import { describe, expect, test } from 'vitest';
import {
  absolute,
  add,
  compare,
  decimal,
  multiply,
  parseDecimal,
  ratio,
  round4,
  subtract,
  toNumber,
  ZERO,
} from '../../src/domain/decimal.ts';

describe('rounding to 4 places, half away from zero', () => {
  test.each([
    [1.00005, 1.0001],
    [-1.00005, -1.0001],
    [1.00004999, 1],
    [2.67545, 2.6755],
    [0.1 + 0.2, 0.3],
    [1e-20, 0],
    [-1e-20, 0],
    [-0, 0],
    [1e21, 1e21],
    [123456789.12345, 123456789.1235],
    [999999999.99995, 1e9],
  ])('%d → %d', (given, rounded) => {
    expect(Object.is(round4(given), rounded)).toBe(true);
  });
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d is refused', (given) => {
    expect(() => round4(given)).toThrow(RangeError);
  });
});

describe('arithmetic', () => {
  test('sums are exact in any order', () => {
    const parts = [1e15, 0.1, -1e15, 0.2, 1e-10].map(decimal);
    const sum = (list: typeof parts) => list.reduce(add, ZERO);
    expect(compare(sum(parts), sum(parts.toReversed()))).toBe(0);
    expect(compare(sum(parts), parseDecimal('0.3000000001'))).toBe(0);
  });
  test.each([
    ['0.1 + 0.2', add(decimal(0.1), decimal(0.2)), 0.3],
    ['0.3 − 0.1', subtract(decimal(0.3), decimal(0.1)), 0.2],
    ['−3 × 1.15', multiply(decimal(-3), decimal(1.15)), -3.45],
    ['0.01 × 0.005', multiply(decimal(0.01), decimal(0.005)), 0.0001],
    ['|−2.5|', absolute(decimal(-2.5)), 2.5],
  ])('%s', (_name, value, expected) => {
    expect(toNumber(value)).toBe(expected);
  });
  test.each([
    [1, 3, 0.3333],
    [2, 3, 0.6667],
    [-2, 3, -0.6667],
    [1, 20_000, 0.0001],
    [-1, 20_000, -0.0001],
    [0.001, 0.003, 0.3333],
    [0, 5, 0],
  ])('%d ÷ %d = %d', (a, b, expected) => {
    expect(ratio(decimal(a), decimal(b))).toBe(expected);
  });
});

describe('reading text', () => {
  test.each([
    ['-12.50', -12.5],
    ['1.2E+3', 1200],
    ['1e-3', 0.001],
    ['+7', 7],
    ['7.', 7],
  ])('%s', (text, expected) => {
    expect(toNumber(parseDecimal(text))).toBe(expected);
  });
  test.each(['', 'NaN', 'Infinity', '1,5', '0x10', '--1', '.5', ' 1'])('%j is refused', (text) => {
    expect(() => parseDecimal(text)).toThrow(RangeError);
  });
});
