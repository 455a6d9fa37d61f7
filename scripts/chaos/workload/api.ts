// HTTP as phones and browsers speak it: nothing of the engine's code, only its public contract.
import { SignJWT } from 'jose';

export interface Answer {
  /** 0 when no answer came. */
  status: number;
  // The body is whatever the engine says; the callers look at the fields they need.
  body: Record<string, unknown>;
  /** From `Retry-After`. */
  retryAfterMs?: number;
}

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Hangs up after this long. Default 10 s. */
  limitMs?: number;
}

/** One person's access to one of the API processes; never throws. */
export type Api = (call: Call) => Promise<Answer>;

const LIMIT_MS = 10_000;

/** Calls a random one of the API processes as this person. */
export async function apiOf(
  urls: readonly string[],
  person: { secret: string; user: string; role: 'staff' | 'supervisor' | 'admin' },
): Promise<Api> {
  const token = await signToken(person);
  let turn = 0;
  return async ({ method, path, body, headers, limitMs = LIMIT_MS }) => {
    turn += 1;
    try {
      const response = await fetch(`${urls[turn % urls.length]}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(limitMs),
      });
      const text = await response.text();
      const retryAfter = response.headers.get('retry-after');
      return {
        status: response.status,
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        ...(retryAfter === null ? {} : { retryAfterMs: Number(retryAfter) * 1000 }),
      };
    } catch {
      return { status: 0, body: {} };
    }
  };
}

export const signToken = ({ secret, user, role }: { secret: string; user: string; role: string }) =>
  new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('6h')
    .sign(new TextEncoder().encode(secret));
