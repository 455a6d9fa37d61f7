import { type TokenClaims, TokenError } from '../runtime/verify-token.ts';
import type { CloseReason } from './close-codes.ts';
import type { UpgradeRequest } from './upgrade-request.ts';

export interface AdmissionRules {
  verifyToken(token: string): Promise<TokenClaims>;
  /** Empty: every origin. Tokens are never sent by a browser on its own, so a foreign page has none. */
  allowedOrigins: readonly string[];
  maxConnections: number;
  maxConnectionsPerUser: number;
  /** Connections open now: all, and those of one user. */
  open(): number;
  openOf(userId: string): number;
  now(): number;
}

export type Admission = { claims: TokenClaims } | { refused: CloseReason };

/** Decides whether a client may connect. Requests without an origin come from apps, not from pages. */
export async function admit(request: UpgradeRequest, rules: AdmissionRules): Promise<Admission> {
  const { allowedOrigins } = rules;
  if (request.origin !== undefined && allowedOrigins.length > 0 && !allowedOrigins.includes(request.origin)) {
    return { refused: 'forbidden' };
  }
  if (request.token === undefined) return { refused: 'unauthorized' };
  let claims: TokenClaims;
  try {
    claims = await rules.verifyToken(request.token);
  } catch (error) {
    if (error instanceof TokenError) return { refused: 'unauthorized' };
    throw error;
  }
  if (claims.expires_at * 1000 <= rules.now()) return { refused: 'unauthorized' };
  if (rules.open() >= rules.maxConnections) return { refused: 'tooMany' };
  if (rules.openOf(claims.user_id) >= rules.maxConnectionsPerUser) return { refused: 'tooMany' };
  return { claims };
}
