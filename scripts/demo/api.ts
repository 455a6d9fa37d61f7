// The engine's HTTP interface as the people of the demo use it.
import { SignJWT } from 'jose';
import type { Role } from '../../src/contract/wire-types.ts';

/** A token as the login of the real app would issue it. */
export const signToken = (secret: string, user: string, role: Role): Promise<string> =>
  new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('12h')
    .sign(new TextEncoder().encode(secret));

export interface Api {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  delete(path: string): Promise<void>;
}

/** Requests of one person; an answer that is no success is thrown with its body. */
export function apiOf(url: string, token: string): Api {
  async function request(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new Error(`${method} ${path}: the engine does not answer`, { cause: error });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
  return {
    get: <T>(path: string) => request('GET', path) as Promise<T>,
    post: <T>(path: string, body?: unknown) => request('POST', path, body) as Promise<T>,
    delete: async (path) => {
      await request('DELETE', path);
    },
  };
}
