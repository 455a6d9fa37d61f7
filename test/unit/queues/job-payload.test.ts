import { describe, expect, test } from 'vitest';
import { jobPayload } from '../../../src/queues/definitions.ts';

const fire = { scheduled_for: '2026-03-01T00:30:00.000Z', backfilled: false };

describe('a payload that waits in a queue', () => {
  test.each([
    ['of this build', { v: 1, type: 'requeue-stranded-batches' }, true],
    ['of a build that fired it by the clock', { v: 1, type: 'requeue-stranded-batches', ...fire }, true],
    ['of a nightly run', { v: 1, type: 'roll-up-variance', ...fire }, true],
    ['of a nightly run without its time', { v: 1, type: 'roll-up-variance' }, false],
    ['of another version', { v: 2, type: 'end-due-locks' }, false],
    ['of an unknown job', { v: 1, type: 'unheard-of' }, false],
  ])('%s', (_name, payload, taken) => {
    expect(jobPayload.safeParse(payload).success).toBe(taken);
  });
});
