import { describe, expect, test } from 'vitest';
import { decideChunk } from '../../../src/domain/sync/decide-chunk.ts';
import { context, decide, inbox, sent, session, snapshot, verdicts } from './fixtures.ts';

const other = { session_id: 'S-2' };
const RETRY = 'retry session_unknown';

describe('a retry holds back what follows on the same line or session', () => {
  test.each([
    ['a count, then its line again', [sent.count(1), sent.count(2, 8)], [RETRY, RETRY]],
    ['a count, then the completion', [sent.count(1), sent.complete(2)], [RETRY, RETRY]],
    ['a count, then another session', [sent.count(1), sent.count(2, 7, other)], [RETRY, 'applied']],
    ['a completion, then a start of that session', [sent.complete(1), sent.start(2)], [RETRY, RETRY]],
    ['a completion, then a count in that session', [sent.complete(1), sent.count(2)], [RETRY, RETRY]],
    ['a completion, then another session', [sent.complete(1), sent.complete(2, other)], [RETRY, 'applied']],
    [
      'a count, its start, the line again: the line keeps its order, the start comes through',
      [sent.count(1), sent.start(2), sent.count(3, 8), sent.complete(4)],
      [RETRY, 'applied', RETRY, RETRY],
    ],
    [
      'a count, its start, another line',
      [sent.count(1), sent.start(2), sent.count(3, 8, { location: 'B' })],
      [RETRY, 'applied', 'applied'],
    ],
    [
      'a rejected one holds nothing',
      [sent.count(1, -1), sent.start(2), sent.count(3)],
      ['rejected invalid_payload', 'applied', 'applied'],
    ],
  ] as const)('%s', (_name, items, expected) => {
    expect(verdicts(decide(items, { sessions: [session({ id: 'S-2', session_id: 'S-2' })] }))).toEqual(
      expected,
    );
  });

  test('also when the retry came in an earlier part of the batch', () => {
    const items = [sent.count(1), sent.start(2), sent.count(3)].map(inbox);
    const earlier = {
      items: items.slice(0, 2),
      results: [
        { id: 1, verdict: 'retry' as const, code: 'session_unknown' as const },
        { id: 2, verdict: 'applied' as const },
      ],
    };
    const plan = decideChunk(items.slice(2), snapshot({ sessions: [session()] }), context(), earlier);
    expect(verdicts(plan)).toEqual([RETRY]);
  });
});

test('each operation sees what the ones before it did', () => {
  const plan = decide([
    sent.start(1),
    sent.count(2, 5),
    sent.count(3, 6),
    sent.count(4, 1, { location: 'B' }),
    sent.complete(5),
    sent.count(6, 6),
    sent.count(7, 7),
    sent.complete(8),
    sent.start(9),
  ]);
  expect(verdicts(plan)).toEqual([
    'applied',
    'applied',
    'applied',
    'applied',
    'applied',
    'applied',
    'conflict session_closed',
    'applied',
    'rejected session_mismatch',
  ]);
  expect(
    plan.lines.map(({ before, after }) => [before, after.location, after.counted_qty, after.version]),
  ).toEqual([
    [null, '', 6, 2],
    [null, 'B', 1, 1],
  ]);
  expect(plan.createdSessions).toMatchObject([
    { status: 'CLOSED', sync_status: 'conflict', conflict_items: ['bolt'] },
  ]);
  expect(plan.changedSessions).toEqual([]);
  expect(plan.locks).toEqual([]);
});
