import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { numbered, numbersOf, stage, tokenFor } from './realtime-engine.ts';
import { watch } from './watcher.ts';

const WAIT = { timeout: 15_000, interval: 5 };

test('staff gets only what is meant for staff', async () => {
  const { publisher, relay, commit } = await stage();
  await publisher();
  const { url } = await relay();
  const staff = watch(url, { token: await tokenFor('tim', 'staff') });
  const admin = watch(url, { token: await tokenFor('ada', 'admin') });
  await vi.waitFor(() => expect([...staff.frames, ...admin.frames]).toHaveLength(2), WAIT);

  await commit(numbered(1), numbered(2, { target_roles: ['staff'] }), numbered(3));
  await vi.waitFor(() => expect(admin.events).toHaveLength(2), WAIT);
  await vi.waitFor(() => expect(staff.events).toHaveLength(1), WAIT);

  expect(numbersOf(admin.events)).toEqual([1, 3]);
  expect(numbersOf(staff.events)).toEqual([2]);
});

test.each(['the subprotocol', 'the query'])('a token in %s opens the connection', async (place) => {
  const { relay } = await stage();
  const {
    url,
    relay: { connections },
  } = await relay();
  const token = await tokenFor('sam', 'supervisor');
  const client =
    place === 'the query'
      ? watch(`${url}?token=${token}&device_id=d-1`)
      : watch(`${url}?device_id=d-1`, { protocols: ['jwt', token] });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  expect(client.socket.protocol).toBe(place === 'the query' ? '' : 'jwt');
  expect(connections()).toEqual([
    {
      user_id: 'sam',
      role: 'supervisor',
      device_id: 'd-1',
      connected_at: expect.any(Date),
      last_ping: expect.any(Date),
    },
  ]);
});

test.each([
  ['no token', async () => undefined],
  ['a forged one', async () => 'a.b.c'],
  ['an expired one', () => tokenFor('sam', 'supervisor', -1)],
  ['an unknown role', () => tokenFor('sam', 'stranger')],
])('%s is accepted and closed with 4501, without a welcome', async (_, token) => {
  const { relay } = await stage();
  const {
    url,
    relay: { stats },
  } = await relay();
  const given = await token();
  const client = watch(url, given === undefined ? {} : { token: given });
  await vi.waitFor(() => expect(client.closed?.code).toBe(4501), WAIT);
  expect(client.all).toEqual([]);
  expect(stats().closed.unauthorized).toBe(1);
});

test('a foreign origin is closed with 4503, an allowed or absent one is not', async () => {
  const { relay } = await stage();
  const { url } = await relay({ allowedOrigins: ['https://warehouse.example'] });
  const token = await tokenFor('sam', 'supervisor');
  const foreign = watch(url, { token, origin: 'https://elsewhere.example' });
  const allowed = watch(url, { token, origin: 'https://warehouse.example' });
  const app = watch(url, { token });
  await vi.waitFor(() => expect(foreign.closed?.code).toBe(4503), WAIT);
  await vi.waitFor(() => expect([allowed.frames.length, app.frames.length]).toEqual([1, 1]), WAIT);
});

test('one connection too many, of a user or in all, is closed with 4504', async () => {
  const { relay } = await stage();
  const { url } = await relay({ maxConnections: 2, maxConnectionsPerUser: 1 });
  const first = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(first.frames).toHaveLength(1), WAIT);
  const again = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(again.closed?.code).toBe(4504), WAIT);
  const other = watch(url, { token: await tokenFor('ada', 'admin') });
  await vi.waitFor(() => expect(other.frames).toHaveLength(1), WAIT);
  const third = watch(url, { token: await tokenFor('tim', 'staff') });
  await vi.waitFor(() => expect(third.closed?.code).toBe(4504), WAIT);
});

test('an upgrade of another path gets 404', async () => {
  const { relay } = await stage();
  const { url } = await relay();
  const client = watch(url.replace('/ws/updates', '/ws/other'));
  const status = await new Promise((resolve) => {
    client.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
  });
  expect(status).toBe(404);
});

test('a token that ends closes the connection with 4002; one renewed in time does not', async () => {
  const { relay } = await stage();
  let now = Date.now();
  const { url } = await relay({ clock: () => now });
  const renewing = watch(url, { token: await tokenFor('sam', 'supervisor', 60) });
  const lazy = watch(url, { token: await tokenFor('ada', 'admin', 60) });
  await vi.waitFor(() => expect([...renewing.frames, ...lazy.frames]).toHaveLength(2), WAIT);

  renewing.say({ type: 'auth', token: await tokenFor('sam', 'supervisor', 3600) });
  await vi.waitFor(() => expect(renewing.frames).toHaveLength(2), WAIT);
  expect(renewing.frames[1]).toEqual({
    type: 'authenticated',
    expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  // Nothing was heard for 33 s when the clock jumps that far; a frame each second keeps both alive.
  for (let second = 0; second < 62 && !lazy.closed; second += 10) {
    now += 10_000;
    const answers = renewing.frames.length;
    renewing.say({ type: 'heartbeat' });
    if (!lazy.closed) lazy.say({ type: 'heartbeat' });
    await vi.waitFor(() => expect(renewing.frames.length).toBeGreaterThan(answers), WAIT);
  }
  await vi.waitFor(() => expect(lazy.closed?.code).toBe(4002), WAIT);
  expect(renewing.closed).toBeUndefined();
});

test('a renewal with a bad token or for somebody else is refused, another role ends the connection', async () => {
  const { relay } = await stage();
  const { url } = await relay();
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  client.say({ type: 'auth', token: 'forged' });
  client.say({ type: 'auth', token: await tokenFor('ada', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(3), WAIT);
  expect(client.frames.slice(1)).toEqual([
    { type: 'error', error_code: 'unauthorized' },
    { type: 'error', error_code: 'unauthorized' },
  ]);
  client.say({ type: 'auth', token: await tokenFor('sam', 'staff') });
  await vi.waitFor(() => expect(client.closed?.code).toBe(4503), WAIT);
});

test('a subscription narrows what comes and cannot widen it again', async () => {
  const { publisher, relay, commit } = await stage();
  await publisher();
  const { url } = await relay();
  const staff = watch(url, { token: await tokenFor('tim', 'staff') });
  const supervisor = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect([...staff.frames, ...supervisor.frames]).toHaveLength(2), WAIT);
  staff.say({ type: 'subscribe', events: ['item_update', 'system_alert'] });
  supervisor.say({ type: 'subscribe', events: ['system_alert', 'user_activity'] });
  supervisor.say({ type: 'subscribe', events: ['system_alert', 'item_update'] });
  await vi.waitFor(() => expect([staff.frames.length, supervisor.frames.length]).toEqual([2, 3]), WAIT);
  expect(supervisor.frames.at(-1)).toEqual({ type: 'subscribed', events: ['system_alert'] });

  await commit(numbered(1), numbered(2, { type: 'system_alert' }));
  await vi.waitFor(() => expect(supervisor.events).toHaveLength(1), WAIT);
  expect(numbersOf(supervisor.events)).toEqual([2]);
  expect(staff.events).toEqual([]);
});

test('heartbeats are answered; what is not JSON ends the connection with 1007', async () => {
  const { relay } = await stage();
  const { url } = await relay();
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  client.say({ type: 'heartbeat' });
  await vi.waitFor(() => expect(client.frames).toHaveLength(2), WAIT);
  expect(client.frames[1]).toEqual({ type: 'heartbeat', timestamp: expect.stringMatching(/Z$/) });
  client.socket.send('not json');
  await vi.waitFor(() => expect(client.closed?.code).toBe(1007), WAIT);
});

test('nine bad frames are answered, the tenth within a minute ends the connection with 1007', async () => {
  const { relay } = await stage();
  const { url } = await relay();
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  for (let i = 0; i < 9; i += 1) client.say({ type: 'shout' });
  await vi.waitFor(() => expect(client.frames).toHaveLength(10), WAIT);
  expect(client.frames.at(-1)).toEqual({ type: 'error', error_code: 'invalid_request' });
  client.say({ type: 'shout' });
  await vi.waitFor(() => expect(client.closed?.code).toBe(1007), WAIT);
});

test('more than a hundred frames a second are answered with rate_limited, and the connection stays', async () => {
  const { relay } = await stage();
  const now = Date.now();
  const { url } = await relay({ clock: () => now });
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  for (let i = 0; i < 120; i += 1) client.say({ type: 'heartbeat' });
  await vi.waitFor(() => expect(client.frames).toHaveLength(121), WAIT);
  expect(client.frames.filter(({ type }) => type === 'heartbeat')).toHaveLength(100);
  expect(client.frames.at(-1)).toEqual({ type: 'error', error_code: 'rate_limited' });
  expect(client.closed).toBeUndefined();
});

test('a frame over 64 KiB ends the connection with 1009', async () => {
  const { relay } = await stage();
  const {
    url,
    relay: { stats },
  } = await relay();
  const client = watch(url, { token: await tokenFor('sam', 'supervisor') });
  await vi.waitFor(() => expect(client.frames).toHaveLength(1), WAIT);
  client.socket.send('x'.repeat(64 * 1024 + 1));
  await vi.waitFor(() => expect(client.closed?.code).toBe(1009), WAIT);
  expect(stats().closed.tooLarge).toBe(1);
});

test('a client is pinged, and ended when it is silent', async () => {
  const { relay } = await stage();
  const {
    url,
    relay: { stats, connections },
  } = await relay({ pingMs: 40, silenceMs: 400 });
  const token = await tokenFor('sam', 'supervisor');
  const alive = watch(url, { token });
  const silent = watch(url, { token, autoPong: false });
  await vi.waitFor(() => expect(silent.closed?.code).toBe(1006), WAIT);
  expect(stats().silent).toBe(1);
  expect(alive.closed).toBeUndefined();
  expect(connections()).toHaveLength(1);
});

test('a slow reader is closed with 4001 within its budget while others get everything', async () => {
  const { publisher, relay, commit } = await stage();
  await publisher();
  const {
    url,
    relay: { stats },
  } = await relay();
  const token = await tokenFor('sam', 'supervisor');
  const slow = watch(url, { token });
  const fast = watch(url, { token });
  await vi.waitFor(() => expect([...slow.frames, ...fast.frames]).toHaveLength(2), WAIT);
  slow.socket.pause();

  // The kernel takes megabytes before anything queues up in the process.
  const filler = 'x'.repeat(100_000);
  const big = (n: number) => {
    const event = numbered(n);
    event.payload.data['filler'] = filler;
    return event;
  };
  let sent = 0;
  while (stats().closed.slow === 0 && sent < 400) {
    const before = sent;
    await commit(...Array.from({ length: 10 }, (_, i) => big(before + 1 + i)));
    sent += 10;
    await vi.waitFor(() => expect(fast.events).toHaveLength(before + 10), WAIT);
  }
  expect(stats().closed.slow).toBe(1);
  expect(numbersOf(fast.events)).toEqual(Array.from({ length: sent }, (_, i) => i + 1));

  slow.socket.resume();
  await vi.waitFor(() => expect(slow.closed?.code).toBe(4001), WAIT);
  expect(slow.events.length).toBeLessThan(sent);
  expect(numbersOf(slow.events)).toEqual(Array.from(slow.events.keys(), (i) => i + 1));
  // And it gets the rest when it comes back.
  const back = watch(`${url}?last_event_id=${slow.lastId()}`, { token });
  await vi.waitFor(
    () => expect(back.frames.at(-1)).toMatchObject({ type: 'resumed', recovered: true }),
    WAIT,
  );
  expect(slow.events.length + back.events.length).toBe(sent);
});

test('stop closes everybody with 1012, also those who do not answer', async () => {
  const { relay } = await stage();
  const { url, relay: stoppable } = await relay();
  const token = await tokenFor('sam', 'supervisor');
  const clients = Array.from({ length: 5 }, () => watch(url, { token }));
  await vi.waitFor(() => expect(clients.every((client) => client.frames.length === 1)).toBe(true), WAIT);
  clients[0]?.socket.pause();
  await stoppable.stop();
  expect(stoppable.connections()).toEqual([]);
  await vi.waitFor(() =>
    expect(clients.slice(1).map((one) => one.closed?.code)).toEqual([1012, 1012, 1012, 1012]),
  );
  await stoppable.stop();
});

test('no log line holds a token or the query, at any level', async () => {
  const { relay } = await stage();
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const { url } = await relay({ logger, allowedOrigins: ['https://warehouse.example'] });
  const token = await tokenFor('sam', 'supervisor');
  const clients = [
    watch(`${url}?token=${token}&device_id=query-canary`),
    watch(`${url}?token=${token}x&device_id=query-canary`),
    watch(`${url}?device_id=query-canary`, { token, origin: 'https://elsewhere.example' }),
  ];
  await vi.waitFor(
    () => expect(clients.map((one) => one.closed?.code)).toEqual([undefined, 4501, 4503]),
    WAIT,
  );
  await vi.waitFor(() => expect(clients[0]?.frames).toHaveLength(1), WAIT);
  expect(lines.join('')).toContain('connection refused');
  expect(lines.join('')).not.toMatch(new RegExp(`query-canary|${token.slice(-20)}`));
});
