import { describe, expect, test } from 'vitest';
import { rejectFailed } from '../../../src/domain/sync/settle-without-applying.ts';
import { context, decide, inbox, ledgerOf, line, sent, session, verdicts } from './fixtures.ts';

const open = { sessions: [session()] };
const conflicted = { ...open, lines: [line()] };

describe('the same operation again, in a later batch', () => {
  test.each([
    ['applied', sent.count(1), open, 'applied', 'duplicate'],
    [
      'rejected for its form',
      sent.count(1, -1),
      open,
      'rejected invalid_payload',
      'rejected invalid_payload',
    ],
    [
      'rejected for the session',
      sent.start(1, { warehouse: 'South' }),
      open,
      'rejected session_mismatch',
      'rejected session_mismatch',
    ],
    ['in conflict', sent.count(1), conflicted, 'conflict update_conflict', 'conflict update_conflict'],
  ] as const)('first %s', (_name, item, facts, first, again) => {
    const before = decide([item], facts);
    expect(verdicts(before)).toEqual([first]);
    const after = decide([item], { ...facts, ledger: ledgerOf(before) });
    expect(verdicts(after)).toEqual([again]);
    expect(after.results[0]).toEqual({ ...after.results[0], ...idsOf(before) });
    expect(after).toMatchObject({
      ledger: [],
      lines: [],
      openedConflicts: [],
      changedConflicts: [],
      events: [],
    });
  });

  test('a rejection keeps its message', () => {
    const before = decide([sent.count(1, -1)], open);
    const after = decide([sent.count(1, -1)], { ...open, ledger: ledgerOf(before) });
    expect(after.results[0]).toEqual(before.results[0]);
  });

  test('a conflict that was resolved since is a duplicate with its resolution', () => {
    const before = decide([sent.count(1)], conflicted);
    const resolutions = new Map([['new-1', 'keep_server' as const]]);
    const after = decide([sent.count(1)], { ...conflicted, ledger: ledgerOf(before), resolutions });
    expect(after.results).toEqual([
      { id: 1, verdict: 'duplicate', conflict_id: 'new-1', resolution: 'keep_server' },
    ]);
  });

  test('retry is not recorded: it is judged anew', () => {
    const before = decide([sent.count(1)]);
    expect(verdicts(before)).toEqual(['retry session_unknown']);
    expect(before.ledger).toEqual([]);
    expect(verdicts(decide([sent.count(1)], { ...open, ledger: ledgerOf(before) }))).toEqual(['applied']);
  });

  test('with other content it changes nothing, and the first content still gets the first verdict', () => {
    const ledger = ledgerOf(decide([sent.count(1)], open));
    const plan = decide([sent.count(1, 8), sent.count(1, -8), sent.count(1)], { ...open, ledger });
    expect(verdicts(plan)).toEqual([
      'rejected operation_id_reused',
      'rejected operation_id_reused',
      'duplicate',
    ]);
    expect(plan).toMatchObject({ ledger: [], lines: [], events: [] });
  });

  test.each([
    ['another epoch', { queue_epoch: 'e2' }],
    ['another device', { device_id: 'phone-C' }],
  ])('under %s it is another operation', (_name, who) => {
    const ledger = ledgerOf(decide([sent.count(1)], open));
    expect(verdicts(decide([sent.count(1, 9)], { ...open, ledger }, who))).toEqual(['applied']);
  });

  test('from another user of the same phone it is the same operation', () => {
    const ledger = ledgerOf(decide([sent.count(1)], open));
    const bob = { uploader: { user_id: 'bob', username: 'bob', role: 'staff' as const } };
    expect(verdicts(decide([sent.count(1)], { ...open, ledger }, bob))).toEqual(['duplicate']);
  });
});

describe('the same operation twice in one batch', () => {
  test.each([
    ['applied', [sent.count(1), sent.count(1)], open, ['applied', 'duplicate']],
    ['rejected', [sent.count(1, -1), sent.count(1, -1)], open, Array(2).fill('rejected invalid_payload')],
    ['in conflict', [sent.count(1), sent.count(1)], conflicted, Array(2).fill('conflict update_conflict')],
    ['retry', [sent.count(1), sent.count(1)], {}, Array(2).fill('retry session_unknown')],
    ['other content', [sent.count(1), sent.count(1, 9)], open, ['applied', 'rejected operation_id_reused']],
  ] as const)('%s', (_name, items, facts, expected) => {
    const plan = decide(items, facts);
    expect(verdicts(plan)).toEqual(expected);
    expect(plan.lines.length).toBeLessThanOrEqual(1);
    expect(plan.openedConflicts.length).toBeLessThanOrEqual(1);
    expect(plan.ledger.length).toBeLessThanOrEqual(1);
  });
});

describe('an operation that failed for good', () => {
  const item = inbox(sent.count(1));
  test('is rejected and recorded, and changes nothing else', () => {
    const plan = rejectFailed(item, undefined);
    expect(verdicts(plan)).toEqual(['rejected operation_failed']);
    expect(plan.ledger).toMatchObject([{ id: 1, verdict: 'rejected', code: 'operation_failed' }]);
    expect(plan).toMatchObject({ lines: [], openedConflicts: [], events: [], locks: [] });
  });
  test('keeps the first verdict that it had before', () => {
    const [recorded] = ledgerOf(decide([sent.count(1)], open), context()).values();
    const plan = rejectFailed(item, recorded);
    expect(verdicts(plan)).toEqual(['duplicate']);
    expect(plan.ledger).toEqual([]);
  });
});

function idsOf(plan: ReturnType<typeof decide>): object {
  const { conflict_id } = plan.results[0]!;
  return conflict_id === undefined ? {} : { conflict_id };
}
