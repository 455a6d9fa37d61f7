import { describe, expect, it } from 'vitest';
import { codeOfPackedSqlState } from '../../../../tools/documentdb/error-codes.ts';
import { asCommandError, CommandError, isConnectionLost } from '../../../../tools/documentdb/errors.ts';

const postgresError = (code: string, message = 'message') => Object.assign(new Error(message), { code });

/** As the engine packs it: six bits a character, the first one lowest. */
const pack = (state: string) =>
  [...state].reduce((sum, c, i) => sum + ((c.charCodeAt(0) - 48) & 0x3f) * 64 ** i, 0);

describe('asCommandError', () => {
  it.each([
    ['40001', 112, 'WriteConflict'],
    ['40P01', 112, 'WriteConflict'],
    ['23505', 11000, 'DuplicateKey'],
    ['23P01', 11000, 'DuplicateKey'],
    ['57014', 50, 'MaxTimeMSExpired'],
    ['M0013', 224, 'QueryFeatureNotAllowed'],
    ['99999', 1, 'InternalError'],
  ])('turns %s into %i %s', (sqlState, code, codeName) => {
    expect(asCommandError(postgresError(sqlState), false).toReply()).toMatchObject({ ok: 0, code, codeName });
  });

  it('labels a conflict and a lost connection by what the driver may repeat', () => {
    for (const error of [postgresError('40001'), new Error('Connection terminated unexpectedly')]) {
      expect(asCommandError(error, true).labels).toEqual(['TransientTransactionError']);
      expect(asCommandError(error, false).labels).toEqual(['RetryableWriteError']);
    }
  });

  it('gives other errors no label: repeating them does not help', () => {
    expect(asCommandError(postgresError('M0004'), true).toReply()).not.toHaveProperty('errorLabels');
  });

  it('names the index of a duplicate key', () => {
    const error = asCommandError(postgresError('23505', "Duplicate key violation on … Index '_id_'"), false);
    expect(error.toReply()).toMatchObject({
      keyPattern: { _id: 1 },
      errmsg: 'E11000 duplicate key error index: _id_',
    });
  });

  it('passes its own errors through', () => {
    const error = new CommandError(263, 'not here');
    expect(asCommandError(error, true)).toBe(error);
  });
});

it('tells a lost connection from a statement that failed', () => {
  expect(isConnectionLost(postgresError('57P01'))).toBe(true);
  expect(isConnectionLost(postgresError('ECONNRESET'))).toBe(true);
  expect(isConnectionLost(postgresError('57014'))).toBe(false);
  expect(isConnectionLost(new CommandError(91, 'connection error'))).toBe(false);
});

it('unpacks the code of a write error, and passes plain codes through', () => {
  expect(codeOfPackedSqlState(pack('23505'))).toBe(11000);
  expect(codeOfPackedSqlState(pack('M00CO'))).toBe(121);
  expect(codeOfPackedSqlState(11000)).toBe(11000);
});
