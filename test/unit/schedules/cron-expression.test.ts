import { describe, expect, test } from 'vitest';
import { CronError, parseCron } from '../../../src/domain/schedules/cron-expression.ts';

describe('a field', () => {
  test.each([
    ['5', [5]],
    ['1,5,3', [1, 3, 5]],
    ['10-13', [10, 11, 12, 13]],
    ['10-20/5', [10, 15, 20]],
    ['*/20', [0, 20, 40]],
    ['50/4', [50, 54, 58]],
    ['*/100', [0]],
    ['0-3,2-5', [0, 1, 2, 3, 4, 5]],
  ])('%s of minutes', (text, minutes) => {
    expect(parseCron(`${text} * * * *`).minutes).toEqual(minutes);
  });

  test.each([
    ['mon-fri', [1, 2, 3, 4, 5]],
    ['SAT-SUN', [6, 0]],
    ['5-7', [5, 6, 0]],
    ['7', [0]],
    ['0', [0]],
    ['sun,wed', [0, 3]],
    ['*', [0, 1, 2, 3, 4, 5, 6]],
    ['*/2', [0, 2, 4, 6]],
  ])('%s of weekdays', (text, days) => {
    expect(parseCron(`0 0 * * ${text}`).daysOfWeek).toEqual(new Set(days));
  });

  test('months by name', () => {
    expect(parseCron('0 0 1 Jan,jul-SEP *').months).toEqual(new Set([1, 7, 8, 9]));
  });
});

test('five fields fire at second 0, six name the seconds', () => {
  expect(parseCron('30 0 * * *').seconds).toEqual([0]);
  expect(parseCron('*/30 * * * * *').seconds).toEqual([0, 30]);
});

test.each([
  ['0 0 13 * 5', true],
  ['0 0 13 * *', false],
  ['0 0 * * 5', false],
  ['0 0 */2 * 5', false],
])('the days of %s: either of them counts = %s', (text, either) => {
  expect(parseCron(text).eitherDay).toBe(either);
});

test.each([
  '',
  '* * * *',
  '* * * * * * *',
  '60 * * * *',
  '-1 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 13 *',
  '* * * foo *',
  '* * * * 8',
  '* * * * funday',
  '5-1 * * * *',
  '*/0 * * * *',
  '1,,2 * * * *',
  '1- * * * *',
  '*/ * * * *',
  '1.5 * * * *',
  '@daily',
  '{"$gt":""} * * * *',
])('"%s" is refused', (text) => {
  expect(() => parseCron(text)).toThrow(CronError);
});
