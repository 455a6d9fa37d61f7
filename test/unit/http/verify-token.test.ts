import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { TokenError, tokenVerifier } from '../../../src/runtime/verify-token.ts';

const SECRET = 'a-secret-of-at-least-32-characters';
const verify = tokenVerifier(SECRET);
const LATER = Math.floor(Date.now() / 1000) + 3600;

const signed = (claims: Record<string, unknown>, alg = 'HS256', secret = SECRET): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));

const good = { sub: 'ana', role: 'staff', exp: LATER };
const LONG_SECRET = `${SECRET}${SECRET}`;

describe('accepted', () => {
  test.each([
    ['HS256', good],
    ['HS384', good],
    ['HS512', { ...good, type: 'access' }],
  ])('%s', async (alg, claims) => {
    expect(await verify(await signed(claims, alg))).toEqual({
      user_id: 'ana',
      role: 'staff',
      expires_at: LATER,
    });
  });
  test.each(['admin', 'supervisor', 'staff'])('role %s', async (role) => {
    expect((await verify(await signed({ ...good, role }))).role).toBe(role);
  });
});

describe('refused', () => {
  test.each([
    ['a refresh token', { ...good, type: 'refresh' }],
    ['another type', { ...good, type: 7 }],
    ['an expired one', { ...good, exp: LATER - 7200 }],
    ['one without an end', { sub: 'ana', role: 'staff' }],
    ['an end that is text', { ...good, exp: String(LATER) }],
    ['an end of null', { ...good, exp: null }],
    ['one not valid yet', { ...good, nbf: LATER }],
    ['nobody', { role: 'staff', exp: LATER }],
    ['an empty name', { ...good, sub: '' }],
    ['the name of the engine', { ...good, sub: 'system' }],
    ['a name that is no text', { ...good, sub: 7 }],
    ['a name of 129 characters', { ...good, sub: 'x'.repeat(129) }],
    ['a control character in the name', { ...good, sub: 'a\nb' }],
    ['an unknown role', { ...good, role: 'owner' }],
    ['a role from the prototype', { ...good, role: 'constructor' }],
    ['roles in a list', { ...good, role: ['admin'] }],
    ['no role', { sub: 'ana', exp: LATER }],
  ])('%s', async (_name, claims) => {
    const payload = claims as Record<string, unknown>;
    // SignJWT itself refuses some of these, so they are signed by hand.
    await expect(verify(await signedByHand(payload))).rejects.toBeInstanceOf(TokenError);
  });

  test('another secret', async () => {
    await expect(verify(await signed(good, 'HS256', LONG_SECRET))).rejects.toBeInstanceOf(TokenError);
  });
  test('alg none', async () => {
    const token = new UnsecuredJWT(good).encode();
    await expect(verify(token)).rejects.toBeInstanceOf(TokenError);
    await expect(verify(`${token}x`)).rejects.toBeInstanceOf(TokenError);
  });
  test('a changed role under the old signature', async () => {
    const [head, , signature] = (await signed(good)).split('.');
    const body = Buffer.from(JSON.stringify({ ...good, role: 'admin' })).toString('base64url');
    await expect(verify(`${head}.${body}.${signature}`)).rejects.toBeInstanceOf(TokenError);
  });
  test.each(['', '.', '..', 'a.b.c', 'e30.e30.e30', 'x'.repeat(5000), '\u0000.\u0000.\u0000', 'ä.ö.ü'])(
    'nonsense: %j',
    async (token) => {
      await expect(verify(token)).rejects.toBeInstanceOf(TokenError);
    },
  );
});

async function signedByHand(claims: Record<string, unknown>): Promise<string> {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  const { createHmac } = await import('node:crypto');
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}
