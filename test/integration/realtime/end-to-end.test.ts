import { expect, test, vi } from 'vitest';
import { numbered, numbersOf, stage, tokenFor } from './realtime-engine.ts';
import { watch } from './watcher.ts';

const WAIT = { timeout: 15_000, interval: 5 };

test('committed events reach a supervisor in order, with growing ids, after the welcome', async () => {
  const { publisher, relay, commit } = await stage();
  await publisher();
  const { url } = await relay();
  const supervisor = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(supervisor.frames).toHaveLength(1), WAIT);
  expect(supervisor.frames[0]).toEqual({
    type: 'welcome',
    position: expect.stringMatching(/^\d+-\d+$/),
    heartbeat_seconds: 25,
  });

  await commit(numbered(1), numbered(2));
  await commit(numbered(3));
  await vi.waitFor(() => expect(supervisor.events).toHaveLength(3), WAIT);

  expect(numbersOf(supervisor.events)).toEqual([1, 2, 3]);
  const [epoch] = supervisor.lastId().split('-');
  expect(supervisor.events.map((event) => event.id)).toEqual([`${epoch}-1`, `${epoch}-2`, `${epoch}-3`]);
});
