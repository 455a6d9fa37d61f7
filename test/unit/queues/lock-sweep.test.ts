import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockSweep } from '../../../src/queues/lock-sweep.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A sweep whose adoptions end when the test says so. */
function started(adopting: () => Promise<void>) {
  const errors: unknown[] = [];
  const ring = vi.fn(async () => {});
  const adoptForeign = vi.fn(adopting);
  const sweep = lockSweep({ ring, adoptForeign, onError: (error) => errors.push(error) });
  void sweep.start();
  return { sweep, ring, adoptForeign, errors };
}

describe('the lock sweep', () => {
  it('adopts and rings at once and every 5 s, until it is stopped', async () => {
    const { sweep, ring, adoptForeign } = started(async () => {});
    await vi.advanceTimersByTimeAsync(15_000);
    await sweep.stop();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(adoptForeign).toHaveBeenCalledTimes(4);
    expect(ring).toHaveBeenCalledTimes(4);
  });

  it('begins no second adoption beside one that hangs, and goes on ringing', async () => {
    const first = Promise.withResolvers<void>();
    const { sweep, ring, adoptForeign, errors } = started(() => first.promise);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(adoptForeign).toHaveBeenCalledTimes(1);
    expect(ring).toHaveBeenCalledTimes(13);
    first.reject(new Error('dead socket'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(adoptForeign).toHaveBeenCalledTimes(2);
    expect(errors.map(String)).toEqual(['Error: dead socket', 'Error: dead socket']);
    await sweep.stop();
  });

  it.each([
    ['waits for the adoption that runs', 800, 800],
    ['waits 1 s for one that hangs', 600_000, 1_000],
  ])('stop %s', async (_what, lastsMs, waitedMs) => {
    const { sweep } = started(() => new Promise((resolve) => setTimeout(resolve, lastsMs)));
    const ended = vi.fn();
    void sweep.stop().then(ended);
    await vi.advanceTimersByTimeAsync(waitedMs - 1);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalled();
  });
});
