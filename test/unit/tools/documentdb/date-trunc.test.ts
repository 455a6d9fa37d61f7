import { expect, it } from 'vitest';
import { rewriteDateTrunc } from '../../../../tools/documentdb/date-trunc.ts';

const parts = (argument: Record<string, unknown>) => {
  const { $let } = rewriteDateTrunc(argument) as {
    $let: { in: { $dateFromParts: Record<string, unknown> } };
  };
  return $let.in.$dateFromParts;
};

it('keeps the parts of the unit, and the zone for both directions', () => {
  expect(rewriteDateTrunc({ date: '$at', unit: 'month', timezone: '$zone' })).toEqual({
    $let: {
      vars: { gatewayParts: { $dateToParts: { date: '$at', timezone: '$zone' } } },
      in: {
        $dateFromParts: { year: '$$gatewayParts.year', month: '$$gatewayParts.month', timezone: '$zone' },
      },
    },
  });
  expect(Object.keys(parts({ date: '$at', unit: 'year' }))).toEqual(['year']);
  expect(Object.keys(parts({ date: '$at', unit: 'day' }))).toEqual(['year', 'month', 'day']);
});

it.each([
  [undefined, 1],
  ['sunday', 1],
  ['Mon', 2],
  ['saturday', 7],
])('a week that starts on %s', (startOfWeek, first) => {
  const argument = { date: '$at', unit: 'week', ...(startOfWeek === undefined ? {} : { startOfWeek }) };
  const sinceFirst = { $subtract: [{ $dayOfWeek: { date: '$at' } }, first] };
  const days = { $mod: [{ $add: [sinceFirst, 7] }, 7] };
  expect(parts(argument)['day']).toEqual({ $subtract: ['$$gatewayParts.day', days] });
});

it('leaves hours and minutes to the engine, bins too', () => {
  const argument = { date: '$at', unit: 'minute', binSize: 15 };
  expect(rewriteDateTrunc(argument)).toEqual({ $dateTrunc: argument });
});

it('refuses bins of days rather than answer wrongly', () => {
  expect(() => rewriteDateTrunc({ date: '$at', unit: 'day', binSize: 2 })).toThrow(/binSize/);
});
