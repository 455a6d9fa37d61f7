import { pino } from 'pino';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/contract/error-codes.ts';
import { ApiError } from '../../../src/http/errors.ts';
import { createHttpApp } from '../../../src/http/server.ts';

async function detailOf(error: ApiError): Promise<{ status: number; detail: string }> {
  const app = await createHttpApp(pino({ level: 'silent' }));
  app.get('/fails', async () => {
    throw error;
  });
  const answer = await app.inject('/fails');
  await app.close();
  return { status: answer.statusCode, detail: answer.json().detail };
}

test.each(['batch_too_large', 'rate_limited', 'lock_lost'] as const)('%s says what to do', async (code) => {
  const { status, meaning, remedy } = ERROR_CODES[code];
  expect(await detailOf(new ApiError(code))).toEqual({ status, detail: `${meaning} ${remedy}` });
});

test('a sentence of the route’s own stands for itself', async () => {
  const { detail } = await detailOf(new ApiError('forbidden', 'Only an admin may force a lock.'));
  expect(detail).toBe('Only an admin may force a lock.');
});
