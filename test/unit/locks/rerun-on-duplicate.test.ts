import { MongoServerError } from 'mongodb';
import { expect, test } from 'vitest';
import { rerunOnDuplicate } from '../../../src/db/locks/rerun-on-duplicate.ts';

const failing = (error: unknown) =>
  rerunOnDuplicate(async () => {
    throw error;
  });

test('two upserts that raced make the transaction run again', async () => {
  const error = new MongoServerError({ message: 'E11000 duplicate key', code: 11_000 });
  await expect(failing(error)).rejects.toBe(error);
  expect(error.hasErrorLabel('TransientTransactionError')).toBe(true);
});

test('any other error stays what it was', async () => {
  const error = new MongoServerError({ message: 'Document failed validation', code: 121 });
  await expect(failing(error)).rejects.toBe(error);
  expect(error.hasErrorLabel('TransientTransactionError')).toBe(false);
});

test('what succeeds comes back', async () => {
  expect(await rerunOnDuplicate(async () => 7)).toBe(7);
});
