import { expect, test } from 'vitest';
import { type AdmissionRules, admit } from '../../../src/realtime/admission.ts';
import { TokenError } from '../../../src/runtime/verify-token.ts';

const rules: AdmissionRules = {
  verifyToken: async (token) => {
    if (token !== 'good') throw new TokenError('forged');
    return { user_id: 'sam', role: 'supervisor', expires_at: 2_000 };
  },
  allowedOrigins: ['https://warehouse.example'],
  maxConnections: 10,
  maxConnectionsPerUser: 2,
  open: () => 3,
  openOf: () => 1,
  now: () => 1_000_000,
};
const request = { path: '/', token: 'good', deviceId: null, lastEventId: undefined, origin: undefined };

test.each([
  ['an app without an origin', {}, {}, undefined],
  ['an allowed origin', { origin: 'https://warehouse.example' }, {}, undefined],
  ['a foreign origin', { origin: 'https://elsewhere.example' }, {}, 'forbidden'],
  [
    'a foreign origin when none is listed',
    { origin: 'https://elsewhere.example' },
    { allowedOrigins: [] },
    undefined,
  ],
  ['no token', { token: undefined }, {}, 'unauthorized'],
  ['a forged token', { token: 'bad' }, {}, 'unauthorized'],
  ['a token that ends now', {}, { now: () => 2_000_000 }, 'unauthorized'],
  ['one connection too many', {}, { open: () => 10 }, 'tooMany'],
  ['one connection too many of this user', {}, { openOf: () => 2 }, 'tooMany'],
] as const)('%s', async (_, asked, changed, refused) => {
  const admission = await admit({ ...request, ...asked }, { ...rules, ...changed });
  expect('refused' in admission ? admission.refused : undefined).toBe(refused);
});
