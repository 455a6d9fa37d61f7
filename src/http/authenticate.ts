import type { FastifyRequest } from 'fastify';
import { type Identity, mayActAs } from '../contract/identity.ts';
import type { Role } from '../contract/wire-types.ts';
import { type TokenClaims, TokenError } from '../runtime/verify-token.ts';
import { ApiError } from './errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`; routes behind it may rely on it. */
    identity: Identity;
  }
}

export type Authenticate = (needed: Role) => (request: FastifyRequest) => Promise<void>;

/**
 * A hook factory: `onRequest: authenticate('supervisor')` refuses requests without a valid bearer token
 * (401) and those of a lower role (403), before the body is read.
 */
export const authenticator =
  (verifyToken: (token: string) => Promise<TokenClaims>): Authenticate =>
  (needed) =>
  async (request) => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !token) throw new ApiError('unauthorized');
    try {
      const { user_id, role } = await verifyToken(token);
      request.identity = { user_id, role };
    } catch (error) {
      if (error instanceof TokenError) throw new ApiError('unauthorized');
      throw error;
    }
    if (!mayActAs(request.identity.role, needed)) throw new ApiError('forbidden');
  };
