import { describe, expect, test } from 'vitest';
import { parseCron } from '../../../src/domain/schedules/cron-expression.ts';
import {
  MAX_FIRES,
  type MissedPolicy,
  planFires,
  type Schedule,
} from '../../../src/domain/schedules/plan-fires.ts';

const DAY_MS = 86_400_000;

const schedule = (missed: MissedPolicy, expression = '30 0 * * *', catchUpDays = 366): Schedule => ({
  name: 'nightly',
  cron: parseCron(expression),
  zone: 'UTC',
  missed,
  catchUpMs: catchUpDays * DAY_MS,
});

const at = (text: string): Date => new Date(`2026-01-${text}Z`);

describe('after three nights without power', () => {
  const settled = at('01T12:00:00');
  const now = at('04T10:00:00');
  test.each([
    ['all', ['02', '03', '04']],
    ['once', ['04']],
    ['skip', []],
  ] as const)('%s', (policy, days) => {
    expect(planFires(schedule(policy), settled, now)).toEqual({
      fires: days.map((day) => ({ scheduled_for: at(`${day}T00:30:00`), backfilled: true })),
      settled_until: now,
    });
  });
});

test.each(['all', 'once', 'skip'] as const)('what is due this minute is punctual under %s', (policy) => {
  const now = at('02T00:30:05');
  expect(planFires(schedule(policy), at('02T00:29:55'), now)).toEqual({
    fires: [{ scheduled_for: at('02T00:30:00'), backfilled: false }],
    settled_until: now,
  });
});

test('the newest of several missed fires may be punctual', () => {
  const { fires } = planFires(schedule('all'), at('01T12:00:00'), at('03T00:30:59'));
  expect(fires.map((fire) => fire.backfilled)).toEqual([true, false]);
});

test('nothing is caught up from before the window', () => {
  const { fires } = planFires(schedule('all', '0 0 * * *', 2), at('01T00:00:00'), at('10T12:00:00'));
  expect(fires.map((fire) => fire.scheduled_for)).toEqual([at('09T00:00:00'), at('10T00:00:00')]);
});

test('a long absence is caught up in parts', () => {
  const every = schedule('all', '* * * * *');
  const now = at('02T00:00:00');
  const first = planFires(every, at('01T00:00:00'), now);
  expect(first.fires).toHaveLength(MAX_FIRES);
  expect(first.settled_until).toEqual(first.fires.at(-1)!.scheduled_for);
  let settled = first.settled_until;
  let fires = first.fires.length;
  while (settled < now) {
    const plan = planFires(every, settled, now);
    fires += plan.fires.length;
    settled = plan.settled_until;
  }
  expect(fires).toBe(1440);
});

test('a clock that stands behind what is settled plans nothing and moves nothing back', () => {
  const settled = at('02T01:00:00');
  expect(planFires(schedule('all'), settled, at('02T00:59:00'))).toEqual({
    fires: [],
    settled_until: settled,
  });
});
