// The checker itself: what is right passes, and each thing that can be wrong is found under its letter.
import { describe, expect, it } from 'vitest';
import { check } from '../../../scripts/chaos/check/check.ts';
import { exitCodeOf, LETTERS, type Letter } from '../../../scripts/chaos/letters.ts';
import { type SmallCase, START, smallCase } from './small-case.ts';

const MINUTE_MS = 60_000;

const lettersOf = ({ journal, evidence }: SmallCase): Letter[] => [
  ...new Set(check(journal, evidence).violations.map(({ letter }) => letter)),
];

const stored = (given: SmallCase, index: number) => [...given.evidence.batches.values()][index]!;
const sent = (given: SmallCase, index: number) => [...given.journal.batches.values()][index]!;
/** Changes a verdict as it was told and as it was stored. */
const verdict = (given: SmallCase, index: number, place: number, change: object): void => {
  Object.assign(stored(given, index).results[place]!, change);
  Object.assign(sent(given, index).told[0]!.results[place]!, change);
};

describe('the checker', () => {
  it('finds nothing in a run that went right', () => {
    const { journal, evidence } = smallCase();
    const findings = check(journal, evidence);
    expect(findings.violations).toEqual([]);
    expect(findings).toMatchObject({
      lost: 0,
      doubled: 0,
      acknowledged: 4,
      verdicts: { applied: 3, conflict: 1 },
    });
  });

  it.each<[Letter, string, (given: SmallCase) => void]>([
    ['S1', 'a line that lost a write', ({ evidence }) => Object.assign(evidence.lines[0]!, { version: 2 })],
    [
      'S1',
      'a line with a write that nobody was told of',
      ({ evidence }) => Object.assign(evidence.lines[0]!, { version: 4 }),
    ],
    [
      'S1',
      'a line with the value before the last',
      ({ evidence }) => Object.assign(evidence.lines[0]!, { counted_qty: 6 }),
    ],
    ['S1', 'a line that is gone', ({ evidence }) => evidence.lines.pop()],
    ['S1', 'an event that is there twice', ({ evidence }) => evidence.outbox.push(evidence.outbox[0]!)],
    ['S1', 'an event that is missing', ({ evidence }) => evidence.outbox.shift()],
    [
      'S1',
      'a verdict without its ledger row',
      ({ evidence }) => evidence.ledger.delete([...evidence.ledger.keys()][0]!),
    ],
    ['S1', 'an acknowledged operation without a verdict', (given) => stored(given, 1).results.pop()],
    ['S1', 'a session that was started and is not there', ({ evidence }) => evidence.sessions.pop()],
    [
      'S1',
      'an operation that was applied in two batches',
      (given) =>
        verdict(given, 1, 0, {
          verdict: 'applied',
          server: { ...stored(given, 0).results[1]!.server, version: 4 },
        }),
    ],
    [
      'S2',
      'a replay that was told another verdict',
      (given) => verdict(given, 1, 0, { verdict: 'rejected', code: 'invalid_payload' }),
    ],
    [
      'S2',
      'a verdict that changed in one batch',
      (given) => Object.assign(sent(given, 0).told[0]!.results[1]!, { verdict: 'rejected' }),
    ],
    ['S2', 'a retry after a verdict', (given) => verdict(given, 1, 0, { verdict: 'retry' })],
    [
      'S4',
      'a later batch that was applied first',
      (given) => Object.assign(stored(given, 1), { applied_at: new Date(START - 1) }),
    ],
    ['S4', 'a later batch that was numbered first', (given) => Object.assign(stored(given, 1), { seq: 0 })],
    [
      'S6',
      'a batch that was applied and then was not',
      (given) => sent(given, 0).told.push({ at: START, state: 'processing', results: [] }),
    ],
    [
      'S8',
      'a conflict that lost what the device counted',
      ({ evidence }) =>
        Object.assign(evidence.conflicts[0]!, {
          local_value: { counted_qty: 6, counted_by: '', version: 0 },
        }),
    ],
    [
      'S8',
      'a session that hides its conflict',
      ({ evidence }) => Object.assign(evidence.conflicts[0]!, { status: 'pending' }),
    ],
    [
      'S8',
      'a session that names a conflict which is over',
      ({ evidence }) => evidence.sessions[0]!.conflict_items.push('I-1'),
    ],
    [
      'S8',
      'a conflict that two were told to have decided',
      ({ journal }) => journal.requests.push({ ...journal.requests[1]! }),
    ],
    [
      'S8',
      "another's count overwritten unseen",
      (given) =>
        Object.assign(sent(given, 1).operations[1]!, {
          device_id: 'C',
          queue_epoch: 'e1',
          count: { ...sent(given, 1).operations[1]!.count!, base_version: 0 },
        }),
    ],
    [
      'L1',
      'two locks at once',
      ({ evidence }) => Object.assign(evidence.history[1]!, { at: new Date(START + 5 * MINUTE_MS) }),
    ],
    [
      'L2',
      'a lock of 16 minutes',
      ({ evidence }) =>
        Object.assign(evidence.history[2]!, { expires_at: new Date(START + 30_000 + 16 * MINUTE_MS) }),
    ],
    [
      'L4',
      'a fence that is used again',
      ({ evidence }) => {
        for (const row of evidence.history) row.fence = 2;
      },
    ],
    ['L4', 'a fence past its counter', ({ evidence }) => evidence.fences.set('I-1', 1)],
    [
      'L5',
      'a late request that was done',
      ({ journal }) =>
        journal.requests.push({ ...journal.requests[1]!, act: 'release', isLate: true, status: 204 }),
    ],
    [
      'L5',
      'a lock that another person ended',
      ({ evidence }) => Object.assign(evidence.history[3]!, { by: 'somebody' }),
    ],
    [
      'L5',
      'a decision under a fence that nobody had',
      ({ journal }) => Object.assign(journal.requests[1]!, { fence: 7 }),
    ],
    [
      'L5',
      'a release when the lock was over',
      ({ journal }) =>
        journal.requests.push({
          ...journal.requests[1]!,
          act: 'release',
          sentAt: START + 50_000,
          answeredAt: START + 51_000,
        }),
    ],
    [
      'L6',
      'a lock with two ends',
      ({ evidence }) => evidence.history.push({ ...evidence.history[3]!, event: 'expired' }),
    ],
    ['L6', 'a lock that is gone without an end', ({ evidence }) => evidence.history.pop()],
    [
      'L6',
      'an end that was recorded a minute late',
      ({ evidence }) => {
        const [{ ...row }] = evidence.history as [(typeof evidence.history)[number]];
        const short = { ...row, lock_id: 'lock-9', item_code: 'I-9', expires_at: new Date(START + 30_000) };
        evidence.fences.set('I-9', 1);
        evidence.history.push(short, {
          ...short,
          event: 'expired',
          at: new Date(START + 30_000 + 2 * MINUTE_MS),
        });
      },
    ],
    [
      'L7',
      'a lock without a history',
      ({ journal }) =>
        journal.requests.push({
          ...journal.requests[0]!,
          lock: { lock_id: 'lock-7', item_code: 'I-1', locked_by: 'x', fence: 3 },
        }),
    ],
    [
      'E1',
      'an acknowledged batch that is gone',
      (given) => given.evidence.batches.delete(stored(given, 2)._id),
    ],
    [
      'E1',
      'an acknowledged batch that was never applied',
      (given) => Object.assign(stored(given, 2), { state: 'received' }),
    ],
    ['E3', 'a dead letter', ({ evidence }) => evidence.deadLetters.push({ _id: 'x' })],
  ])('finds under %s: %s', (letter, _what, breakIt) => {
    const given = smallCase();
    breakIt(given);
    expect(lettersOf(given)).toContain(letter);
  });

  it('counts what was lost and what was doubled', () => {
    const lost = smallCase();
    lost.evidence.lines[0]!.version = 1;
    expect(check(lost.journal, lost.evidence).lost).toBe(1);
    const doubled = smallCase();
    verdict(doubled, 1, 0, {
      verdict: 'applied',
      server: { ...stored(doubled, 0).results[1]!.server, version: 4 },
    });
    expect(check(doubled.journal, doubled.evidence).doubled).toBe(1);
  });
});

describe('the exit code', () => {
  it('is the one of the first violated letter, each its own', () => {
    const codes = Object.values(LETTERS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(Math.min(...codes)).toBeGreaterThan(2);
    expect(exitCodeOf([])).toBe(0);
    const violated = (['E1', 'L5', 'S2'] as const).map((letter) => ({ letter, what: '' }));
    expect(exitCodeOf(violated)).toBe(LETTERS.S2.code);
  });
});
