import { errors, jwtVerify } from 'jose';

/** Why a token was refused; the caller answers `unauthorized` for each. */
export class TokenError extends Error {
  override name = 'TokenError';
}

export interface TokenClaims {
  user_id: string;
  role: 'admin' | 'supervisor' | 'staff';
  /** Unix seconds. */
  expires_at: number;
}

const ROLES = new Set(['admin', 'supervisor', 'staff']);
const MAX_TOKEN_CHARACTERS = 4096;
const MAX_SUBJECT_CHARACTERS = 128;
const ENGINE_SUBJECT = 'system';

/** A function that checks access tokens signed with `secret` (contract 3); it throws TokenError. */
export function tokenVerifier(secret: string): (token: string) => Promise<TokenClaims> {
  const key = new TextEncoder().encode(secret);
  return async (token) => {
    if (token.length > MAX_TOKEN_CHARACTERS) throw new TokenError('the token is too long');
    const claims = await verify(token, key);
    const { sub, role, exp, type } = claims;
    if (type !== undefined && type !== 'access') throw new TokenError('not an access token');
    if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_CHARACTERS || /\p{Cc}/u.test(sub)) {
      throw new TokenError('the token names nobody');
    }
    // The engine's own name in trails and events; nobody else may act under it.
    if (sub === ENGINE_SUBJECT) throw new TokenError('the token names the engine');
    if (typeof role !== 'string' || !ROLES.has(role)) throw new TokenError('the role is unknown');
    return { user_id: sub, role: role as TokenClaims['role'], expires_at: exp as number };
  };
}

async function verify(token: string, key: Uint8Array): Promise<Record<string, unknown>> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256', 'HS384', 'HS512'],
      requiredClaims: ['exp', 'sub'],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new TokenError(error.code);
    throw error;
  }
}
