import { expect, test, vi } from 'vitest';
import { takeLease } from '../../../src/db/leases.ts';
import { openEventStream } from '../../../src/realtime/event-stream.ts';
import { publishPages } from '../../../src/realtime/publish-pages.ts';
import { type PublishSteps, publishSteps } from '../../../src/realtime/publish-steps.ts';
import { numbered, type Stage, stage } from './realtime-engine.ts';

const WAIT = { timeout: 15_000, interval: 5 };
const LEASE = 'outbox-publisher';

/** What the stream holds, in order: the id and number of each event. */
async function published({ redis, streamKey }: Stage): Promise<{ id: string; n: number }[]> {
  const raw = await redis.xrange(streamKey, '-', '+');
  return raw.flatMap(([id, fields]) => {
    const frame = fields[fields.indexOf('frame') + 1];
    if (!fields.includes('frame') || frame === undefined) return [];
    const event = JSON.parse(frame) as { id: string; payload: { data: { n: number } } };
    expect(event.id).toBe(id);
    return { id, n: event.payload.data.n };
  });
}

const unsent = ({ database }: Stage): Promise<number> =>
  database.outbox.countDocuments({ sent_at: { $exists: false } });

/** Steps of a publisher that dies at one of them, before or after it had its effect, and does nothing more. */
function dyingSteps(steps: PublishSteps, at: keyof PublishSteps, when: 'before' | 'after'): PublishSteps {
  let dead = false;
  return new Proxy(steps, {
    get(target, name: keyof PublishSteps) {
      const step = target[name] as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        if (dead) throw new Error('dead');
        if (name === at && when === 'before') dead = true;
        if (dead) throw new Error('killed');
        const result = await step(...args);
        if (name === at) dead = true;
        if (dead) throw new Error('killed');
        return result;
      };
    },
  });
}

async function pagesOf(scene: Stage, change: (steps: PublishSteps) => PublishSteps = (steps) => steps) {
  const term = await takeLease(scene.database, { lease: LEASE, holder: 'the one that dies', ttlMs: 300 });
  if (!term) throw new Error('the lease is held');
  const stream = openEventStream(scene.redis, scene.streamKey, 1000);
  return publishPages(change(publishSteps(scene.database, stream, term)), 2);
}

const DEATHS = (['number', 'append', 'markSent', 'startEpoch', 'announce', 'readUnsent'] as const).flatMap(
  (step) => (['before', 'after'] as const).map((when) => [when, step] as const),
);

test.each(DEATHS)('a publisher killed %s "%s" loses nothing, and ids stay', async (when, step) => {
  const scene = await stage();
  const pages = await pagesOf(scene, (steps) => dyingSteps(steps, step, when));
  await scene.commit(numbered(1), numbered(2), numbered(3));
  await expect(
    (async () => {
      for (;;) await pages.next();
    })(),
  ).rejects.toThrow('killed');
  const seenBefore = await published(scene);

  await scene.publisher();
  await scene.commit(numbered(4));
  await vi.waitFor(async () => expect(await unsent(scene)).toBe(0), WAIT);

  const seen = await published(scene);
  expect(seen.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  expect(seen.map(({ id }) => id.split('-')[1])).toEqual(['1', '2', '3', '4']);
  expect(seen.slice(0, seenBefore.length)).toEqual(seenBefore);
});

test('an old publisher that wakes up after another took over changes nothing any more', async () => {
  const scene = await stage();
  let resume = (): void => {};
  const asleep = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const old = await pagesOf(scene, (steps) => ({
    ...steps,
    number: async (state, rows) => {
      await asleep;
      return steps.number(state, rows);
    },
  }));
  await old.next();
  await scene.commit(numbered(1), numbered(2));
  const late = old.next();
  late.catch(() => {});

  await scene.publisher();
  await vi.waitFor(async () => expect(await unsent(scene)).toBe(0), WAIT);
  const before = await published(scene);
  resume();

  await expect(late).rejects.toThrow('no longer held');
  expect(await published(scene)).toEqual(before);
  expect(before.map(({ n }) => n)).toEqual([1, 2]);
});

test('two publishers at once: one leads, the other takes over when it stops', async () => {
  const scene = await stage();
  const [first, second] = [await scene.publisher(), await scene.publisher()];
  await vi.waitFor(() => expect([first, second].filter((one) => one.stats().leading)).toHaveLength(1), WAIT);
  const [leader, other] = first.stats().leading ? [first, second] : [second, first];
  await scene.commit(numbered(1));
  await vi.waitFor(async () => expect(await published(scene)).toHaveLength(1), WAIT);

  await leader.stop();
  await scene.commit(numbered(2));

  await vi.waitFor(async () => expect((await published(scene)).map(({ n }) => n)).toEqual([1, 2]), WAIT);
  await vi.waitFor(
    () => expect(other.stats()).toMatchObject({ leading: true, published: 1, epochs: 0 }),
    WAIT,
  );
});

test('a backlog leaves in pages, in the order {at, n, _id}', async () => {
  const scene = await stage();
  for (let n = 0; n < 10; n += 2) await scene.commit(numbered(n), numbered(n + 1));
  const publisher = await scene.publisher({ pageSize: 3 });
  await vi.waitFor(async () => expect(await unsent(scene)).toBe(0), WAIT);
  expect((await published(scene)).map(({ n }) => n)).toEqual([...Array(10).keys()]);
  await vi.waitFor(
    () => expect(publisher.stats()).toMatchObject({ published: 10, pages: 4, epochs: 1, failures: 0 }),
    WAIT,
  );
});

test.each([
  ['flushed', async ({ redis, streamKey }: Stage) => redis.del(streamKey)],
  [
    'set back',
    async ({ redis, streamKey }: Stage) => {
      const [last] = await redis.xrevrange(streamKey, '+', '-', 'COUNT', 1);
      await redis.xdel(streamKey, last?.[0] ?? '');
    },
  ],
  ['emptied, its last id kept', async ({ redis, streamKey }: Stage) => redis.xtrim(streamKey, 'MAXLEN', 0)],
])('a stream that was %s begins a greater epoch, without a ring', async (_, damage) => {
  const scene = await stage();
  await scene.publisher();
  await scene.commit(numbered(1), numbered(2));
  await vi.waitFor(async () => expect(await published(scene)).toHaveLength(2), WAIT);
  const [, before] = await published(scene);

  await damage(scene);
  await vi.waitFor(async () => {
    const [last] = await scene.redis.xrevrange(scene.streamKey, '+', '-', 'COUNT', 1);
    expect(last?.[1]).toEqual(['previous', before?.id]);
  }, WAIT);
  await scene.commit(numbered(3));

  await vi.waitFor(async () => expect((await published(scene)).at(-1)?.n).toBe(3), WAIT);
  const [epoch, offset] = (await published(scene)).at(-1)?.id.split('-').map(Number) ?? [];
  expect(epoch).toBeGreaterThan(Number(before?.id.split('-')[0]));
  expect(offset).toBe(1);
});

test('an error that is no race is not swallowed: events wait until it is gone', async () => {
  const scene = await stage();
  await scene.redis.set(scene.streamKey, 'not a stream');
  const publisher = await scene.publisher();
  await scene.commit(numbered(1));
  await vi.waitFor(() => expect(publisher.stats().failures).toBeGreaterThan(1), WAIT);
  expect(await unsent(scene)).toBe(1);

  await scene.redis.del(scene.streamKey);
  await vi.waitFor(async () => expect((await published(scene)).map(({ n }) => n)).toEqual([1]), WAIT);
});

test('a ring makes an event leave long before the poll', async () => {
  const scene = await stage();
  const publisher = await scene.publisher({ pollMs: 30_000, leaseMs: 60_000 });
  await scene.commit(numbered(0));
  await vi.waitFor(() => expect(publisher.stats().published).toBe(1), WAIT);
  const began = performance.now();
  await scene.commit(numbered(1));
  await vi.waitFor(async () => expect(await published(scene)).toHaveLength(2), WAIT);
  expect(performance.now() - began).toBeLessThan(5_000);
});
