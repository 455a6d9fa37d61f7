import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { readUpgradeRequest } from '../../../src/realtime/upgrade-request.ts';

const read = (url: string, headers: Record<string, string> = {}) =>
  readUpgradeRequest({ url, headers } as unknown as IncomingMessage);

test.each([
  [
    'the header',
    '/ws/updates?token=q',
    { authorization: 'Bearer h', 'sec-websocket-protocol': 'jwt, p' },
    'h',
  ],
  ['the subprotocol', '/ws/updates?token=q', { 'sec-websocket-protocol': 'jwt, p' }, 'p'],
  ['the query', '/ws/updates?token=q', {}, 'q'],
  ['nowhere', '/ws/updates', {}, undefined],
  [
    'nowhere, with a foreign subprotocol',
    '/ws/updates',
    { 'sec-websocket-protocol': 'graphql, p' },
    undefined,
  ],
])('the token comes from %s', (_, url, headers, token) => {
  expect(read(url, headers).token).toBe(token);
});

test('device and last event come from the query', () => {
  expect(read('/ws/updates?device_id=d%201&last_event_id=7-1')).toMatchObject({
    path: '/ws/updates',
    deviceId: 'd 1',
    lastEventId: '7-1',
  });
  expect(read('/ws/updates?device_id=a%0Ab').deviceId).toBeNull();
});
