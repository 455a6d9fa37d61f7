import { expect, test } from 'vitest';
import { createAllowance } from '../../../src/realtime/frame-allowance.ts';
import { createSendBudget } from '../../../src/realtime/send-budget.ts';

test('a budget is spent by what is queued and given back by what was written', () => {
  const budget = createSendBudget(100);
  budget.add(60);
  expect(budget.wouldExceed(40)).toBe(false);
  expect(budget.wouldExceed(41)).toBe(true);
  budget.add(40);
  budget.written(60);
  expect(budget.queued).toBe(40);
  expect(budget.wouldExceed(60)).toBe(false);
});

test('an allowance is for a sliding window, not for whole minutes', () => {
  const allowance = createAllowance(2, 1000);
  expect([allowance.spend(900), allowance.spend(950), allowance.spend(1100)]).toEqual([true, true, false]);
  expect([allowance.spend(1900), allowance.spend(1901), allowance.spend(1950)]).toEqual([true, false, true]);
});
