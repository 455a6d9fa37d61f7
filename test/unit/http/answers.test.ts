import { describe, expect, test } from 'vitest';
import type { OperationResult } from '../../../src/contract/wire-types.ts';
import { csvRow } from '../../../src/http/csv.ts';
import { parseWait } from '../../../src/http/prefer.ts';
import { visibleResults } from '../../../src/http/visible-results.ts';

describe('Prefer: wait', () => {
  test.each([
    [undefined, undefined],
    ['', undefined],
    ['wait=5', 5000],
    ['wait=1', 1000],
    ['wait=30', 30_000],
    ['wait=31', 30_000],
    ['wait=9999999', 30_000],
    ['wait=0', undefined],
    ['wait=-1', undefined],
    ['wait=x', undefined],
    ['wait', undefined],
    ['nowait=5', undefined],
    ['Wait = "5"', 5000],
    ['respond-async, wait=10', 10_000],
    [['respond-async', 'wait=10'], 10_000],
  ])('%j → %j', (header, ms) => {
    expect(parseWait(header)).toBe(ms);
  });
});

describe('a CSV cell', () => {
  test.each([
    ['text', 'text'],
    ['', ''],
    [null, ''],
    [undefined, ''],
    [-2.5, '-2.5'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\nlines', '"two\nlines"'],
    ['=1+1', "'=1+1"],
    ['+49', "'+49"],
    ['-1', "'-1"],
    ['@cmd', "'@cmd"],
    ['\tx', "'\tx"],
    ['=a,b', '"\'=a,b"'],
  ])('%j → %s', (value, cell) => {
    expect(csvRow([value, 1])).toBe(`${cell},1\r\n`);
  });
});

describe('results as their reader may see them', () => {
  const server = { version: 2, counted_qty: 5, counted_by: 'bob', counted_at: '2026-03-02T10:00:00.000Z' };
  const conflict: OperationResult = {
    id: 1,
    verdict: 'conflict',
    code: 'update_conflict',
    message: 'm',
    conflict_id: 'c-1',
    server,
  };
  const none = new Map<string, never>();
  const blind = (...indexes: number[]) => ({
    user_id: 'ana',
    isBlind: (index: number) => indexes.includes(index),
  });

  test('a pending conflict stays one', () => {
    expect(visibleResults([conflict], none, undefined)).toEqual([conflict]);
  });
  test('a resolved one is a duplicate with its resolution, and without the line of before', () => {
    expect(visibleResults([conflict], new Map([['c-1', 'merge']]), undefined)).toEqual([
      { id: 1, verdict: 'duplicate', conflict_id: 'c-1', resolution: 'merge' },
    ]);
  });
  test('a rejection with no conflict is left alone', () => {
    const rejected: OperationResult = { id: 1, verdict: 'rejected', code: 'invalid_payload' };
    expect(visibleResults([rejected], new Map([['c-1', 'merge']]), blind(0))).toEqual([rejected]);
  });
  test('in a BLIND session staff see no foreign quantity, elsewhere they do', () => {
    const { counted_qty: _hidden, ...masked } = server;
    expect(visibleResults([conflict, conflict], none, blind(0)).map((result) => result.server)).toEqual([
      masked,
      server,
    ]);
  });
  test('in a BLIND session staff see their own quantity and sessions', () => {
    const own: OperationResult = { id: 1, verdict: 'applied', server: { ...server, counted_by: 'ana' } };
    const session: OperationResult = {
      id: 2,
      verdict: 'applied',
      server: { session_id: 'S-1', status: 'OPEN', sync_status: 'synced' },
    };
    expect(visibleResults([own, session], none, blind(0, 1))).toEqual([own, session]);
  });
});
