import { MongoBulkWriteError } from 'mongodb';
import { expect, it } from 'vitest';
import { createLogger, withoutToken } from '../../src/runtime/logger.ts';

/** What one call writes, as the JSON line it is. */
function logged(write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  write(logger);
  return lines.join('');
}

it('shows a failed bulk write by its code, without the documents that it carries', () => {
  const error = new MongoBulkWriteError(
    { message: 'E11000 duplicate key error', code: 11_000, writeErrors: [] },
    { insertedCount: 0, getRawResponse: () => ({}) } as never,
  );
  Object.assign(error, { documents: [{ note: 'a note of the shelf' }] });
  const line = logged((logger) => logger.warn({ err: error, batch_id: 'b-1' }, 'batch failed'));
  expect(JSON.parse(line)).toMatchObject({
    batch_id: 'b-1',
    err: { type: 'MongoBulkWriteError', code: 11_000, message: 'E11000 duplicate key error' },
  });
  expect(line).not.toContain('a note of the shelf');
});

it('cuts tokens out of fields and addresses', () => {
  expect(logged((logger) => logger.info({ token: 'secret-token' }, 'x'))).not.toContain('secret-token');
  expect(withoutToken('/ws/updates?device_id=1&token=secret-token&x=1')).toBe(
    '/ws/updates?device_id=1&token=[redacted]&x=1',
  );
});
