import { expect, test, vi } from 'vitest';
import { numbered, numbersOf, type Stage, stage, tokenFor } from './realtime-engine.ts';
import { type Watcher, watch } from './watcher.ts';

const WAIT = { timeout: 15_000, interval: 5 };
const RECOVERED = { type: 'resumed', recovered: true };
const LOST = { type: 'resumed', recovered: false };

/** A supervisor who saw the events 1..n and then left. */
async function seen(scene: Stage, url: string, n: number): Promise<{ token: string; lastId: string }> {
  const token = await tokenFor('sam', 'supervisor');
  const client = watch(url, { token });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  await scene.commit(...Array.from({ length: n }, (_, i) => numbered(i + 1)));
  await vi.waitFor(() => expect(client.events).toHaveLength(n), WAIT);
  client.socket.terminate();
  return { token, lastId: client.lastId() };
}

const verdict = (client: Watcher) =>
  vi.waitFor(() => {
    const frame = client.frames.find(({ type }) => type === 'resumed');
    expect(frame).toBeDefined();
    return frame;
  }, WAIT);

test('a resume gives the whole gap in order, then the verdict, then goes on live', async () => {
  const scene = await stage();
  await scene.publisher();
  const { url } = await scene.relay();
  const { token, lastId } = await seen(scene, url, 3);
  const other = watch(url, { token });
  await scene.commit(numbered(4), numbered(5, { target_roles: ['staff'] }), numbered(6));
  await vi.waitFor(() => expect(numbersOf(other.events)).toEqual([4, 6]), WAIT);

  const client = watch(`${url}?last_event_id=${lastId}`, { token });
  expect(await verdict(client)).toEqual({ ...RECOVERED, replayed: 2 });
  await scene.commit(numbered(7));
  await vi.waitFor(() => expect(numbersOf(client.events)).toEqual([4, 6, 7]), WAIT);
  expect(client.all.map((one) => one.type)).toEqual([
    'welcome',
    'item_update',
    'item_update',
    'resumed',
    'item_update',
  ]);
});

test('the position of the welcome is good for a resume, also when nothing was ever sent', async () => {
  const scene = await stage();
  const { url } = await scene.relay();
  const token = await tokenFor('sam', 'supervisor');
  const early = watch(url, { token });
  await vi.waitFor(() => expect(early.frames).toEqual([expect.objectContaining({ position: '0-0' })]), WAIT);
  early.socket.terminate();
  const publisher = await scene.publisher();
  await scene.commit(numbered(1));
  await vi.waitFor(() => expect(publisher.stats().published).toBe(1), WAIT);

  const client = watch(`${url}?last_event_id=0-0`, { token });
  expect(await verdict(client)).toEqual({ ...RECOVERED, replayed: 1 });
  expect(numbersOf(client.events)).toEqual([1]);
});

test('a resume by frame sends everything after the id again, in order, then live', async () => {
  const scene = await stage();
  await scene.publisher();
  const { url } = await scene.relay();
  const token = await tokenFor('sam', 'supervisor');
  const client = watch(url, { token });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  await scene.commit(numbered(1), numbered(2), numbered(3));
  await vi.waitFor(() => expect(client.events).toHaveLength(3), WAIT);

  client.say({ type: 'resume', last_event_id: client.events[0]?.id });
  expect(await verdict(client)).toEqual({ ...RECOVERED, replayed: 2 });
  await scene.commit(numbered(4));
  await vi.waitFor(() => expect(numbersOf(client.events)).toEqual([1, 2, 3, 2, 3, 4]), WAIT);
});

test('the switch from replay to live loses and doubles nothing while events pour in', async () => {
  const scene = await stage();
  await scene.publisher({ pageSize: 7 });
  const { url } = await scene.relay();
  const { token, lastId } = await seen(scene, url, 1);
  let n = 1;
  let pouring = true;
  const pour = (async () => {
    while (pouring) {
      const before = n;
      await scene.commit(...Array.from({ length: 20 }, (_, i) => numbered(before + 1 + i)));
      n += 20;
    }
  })();
  await vi.waitFor(() => expect(n).toBeGreaterThan(300), WAIT);

  const clients: Watcher[] = [];
  while (clients.length < 8) {
    const client = watch(`${url}?last_event_id=${lastId}`, { token });
    clients.push(client);
    expect(await verdict(client)).toMatchObject(RECOVERED);
  }
  pouring = false;
  await pour;

  for (const client of clients) {
    await vi.waitFor(() => expect(client.events.at(-1)?.payload.data['n']).toBe(n), WAIT);
    expect(numbersOf(client.events)).toEqual(Array.from({ length: n - 1 }, (_, i) => i + 2));
  }
});

test('the role that counts on replay is the one of now', async () => {
  const scene = await stage();
  await scene.publisher();
  const { url } = await scene.relay();
  const { lastId } = await seen(scene, url, 2);
  const { token } = await seen(scene, url, 2);
  await scene.commit(numbered(5, { target_roles: ['staff'] }));
  const supervisor = watch(`${url}?last_event_id=${lastId}`, { token });
  expect(await verdict(supervisor)).toMatchObject(RECOVERED);
  const staff = watch(`${url}?last_event_id=${lastId}`, { token: await tokenFor('sam', 'staff') });
  await verdict(staff);
  await vi.waitFor(() => expect(numbersOf(staff.events)).toEqual([5]), WAIT);
  expect(numbersOf(supervisor.events)).toEqual([1, 2]);
});

test.each(['nonsense', '1-1', '99999999999999-1', ''])(
  'a resume from "%s" is not recovered and replays nothing',
  async (id) => {
    const scene = await stage();
    await scene.publisher();
    const { url } = await scene.relay();
    const { token } = await seen(scene, url, 2);
    const client = watch(`${url}?last_event_id=${id}`, { token });
    expect(await verdict(client)).toEqual(LOST);
    await scene.commit(numbered(3));
    await vi.waitFor(() => expect(numbersOf(client.events)).toEqual([3]), WAIT);
  },
);

test('a resume from behind what was trimmed is not recovered and replays nothing', async () => {
  const scene = await stage();
  await scene.publisher();
  const { url } = await scene.relay();
  const { token, lastId } = await seen(scene, url, 3);
  await seen(scene, url, 4);
  await scene.redis.xtrim(scene.streamKey, 'MAXLEN', 3);
  const client = watch(`${url}?last_event_id=${lastId}`, { token });
  expect(await verdict(client)).toEqual(LOST);
  expect(client.events).toEqual([]);
});

test('after a flush: a new epoch, honest resumes, and those who are live miss nothing', async () => {
  const scene = await stage();
  const publisher = await scene.publisher();
  const { url } = await scene.relay();
  const { token, lastId } = await seen(scene, url, 3);
  const live = watch(url, { token });
  await vi.waitFor(() => expect(live.frames).toHaveLength(1), WAIT);

  await scene.redis.del(scene.streamKey);
  await scene.commit(numbered(4));
  await vi.waitFor(() => expect(numbersOf(live.events)).toEqual([4]), WAIT);
  await vi.waitFor(() => expect(publisher.stats()).toMatchObject({ epochs: 2, published: 4 }), WAIT);
  expect(live.closed).toBeUndefined();

  const client = watch(`${url}?last_event_id=${lastId}`, { token });
  expect(await verdict(client)).toEqual(LOST);
  await scene.commit(numbered(5));
  await vi.waitFor(() => expect(numbersOf(client.events)).toEqual([5]), WAIT);
});

test('events that were lost before a relay read them send its clients to resume', async () => {
  const scene = await stage();
  const { relay, url } = await scene.relay();
  const publisher = await scene.publisher();
  const { token, lastId } = await seen(scene, url, 2);
  const live = watch(url, { token });
  await vi.waitFor(() => expect(live.frames).toHaveLength(1), WAIT);
  await publisher.stop();
  // A page the relay never saw: numbered and sent as far as MongoDB knows, and gone from Redis.
  await scene.database.leases.updateOne({ _id: 'outbox-publisher' }, { $inc: { last_offset: 2 } });
  await scene.publisher();

  await vi.waitFor(() => expect(live.closed?.code).toBe(1012), WAIT);
  expect(relay.stats().closed.restart).toBe(1);
  const back = watch(`${url}?last_event_id=${lastId}`, { token });
  expect(await verdict(back)).toEqual(LOST);
});

test('a bus whose connection is cut goes on behind the last event', async () => {
  const scene = await stage();
  await scene.publisher();
  const { url } = await scene.relay();
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  await scene.commit(numbered(1));
  await vi.waitFor(() => expect(client.events).toHaveLength(1), WAIT);
  await scene.cut('bus');
  await scene.commit(numbered(2));
  await vi.waitFor(() => expect(numbersOf(client.events)).toEqual([1, 2]), WAIT);
  expect(client.closed).toBeUndefined();
});

test('connections to Redis that break again and again lose and double nothing', async () => {
  const scene = await stage();
  await scene.publisher();
  const { url } = await scene.relay();
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  let n = 0;
  for (let round = 0; round < 12; round += 1) {
    const before = n;
    await scene.commit(...Array.from({ length: 5 }, (_, i) => numbered(before + 1 + i)));
    n += 5;
    if (round % 2 === 0) await scene.cut('');
  }
  await vi.waitFor(() => expect(client.events.at(-1)?.payload.data['n']).toBe(n), WAIT);
  expect(numbersOf(client.events)).toEqual(Array.from({ length: n }, (_, i) => i + 1));
  expect(client.closed).toBeUndefined();
});
