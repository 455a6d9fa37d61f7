// Supervisors' requests, noted with what was answered.
import type { Journal, Request, ToldLock } from '../journal.ts';
import type { Random } from '../random.ts';
import type { Answer, Api } from './api.ts';

export interface Person {
  user: string;
  api: Api;
  journal: Journal;
  random: Random;
}

export interface ConflictView {
  conflict_id: string;
  item_code: string;
  session_id: string;
  server_version: number;
  local_value: { counted_qty: number };
}

/** Pending conflicts, oldest first; none when the engine does not answer. */
export async function pendingConflicts(person: Person, limit = 50): Promise<ConflictView[]> {
  const answer = await person.api({
    method: 'GET',
    path: `/api/sync/conflicts?status=pending&limit=${limit}`,
  });
  return answer.status === 200 ? (answer.body['conflicts'] as ConflictView[]) : [];
}

export const claim = ({ conflict_id, item_code }: ConflictView, person: Person): Promise<Request> =>
  ask(
    person,
    { act: 'claim', item_code, conflict_id },
    { method: 'POST', path: `/api/sync/conflicts/${conflict_id}/claim` },
  );

/** Decides at random; `isLate` says that the fence is known to be an old one. */
export function resolve(
  conflict: ConflictView,
  person: Person,
  how: { fence?: number; isLate?: boolean } = {},
): Promise<Request> {
  const resolution = person.random.pick(['keep_local', 'keep_server', 'merge']);
  const { conflict_id, item_code, server_version } = conflict;
  return ask(
    person,
    { act: 'resolve', item_code, conflict_id, resolution, ...how },
    {
      method: 'POST',
      path: `/api/sync/conflicts/${conflict_id}/resolve`,
      body: {
        resolution,
        server_version,
        ...(resolution === 'merge' ? { merged_value: { counted_qty: person.random.between(0, 9) } } : {}),
        ...(how.fence === undefined ? {} : { fence: how.fence }),
      },
    },
  );
}

export const takeLock = (
  person: Person,
  wanted: { item_code: string; session_id: string; ttl_seconds: number },
): Promise<Request> =>
  ask(
    person,
    { act: 'take', item_code: wanted.item_code },
    { method: 'POST', path: '/api/locks', body: { ...wanted, reason: 'manual' } },
  );

export const renew = (
  person: Person,
  item_code: string,
  claimed: { fence: number; ttl_seconds: number; isLate?: boolean },
): Promise<Request> => {
  const { ttl_seconds, ...noted } = claimed;
  const body = { fence: claimed.fence, ttl_seconds };
  const path = `/api/locks/${encodeURIComponent(item_code)}/renew`;
  return ask(person, { act: 'renew', item_code, ...noted }, { method: 'POST', path, body });
};

export const release = (
  person: Person,
  item_code: string,
  claimed: { fence: number; isLate?: boolean },
): Promise<Request> => {
  const path = `/api/locks/${encodeURIComponent(item_code)}?fence=${claimed.fence}`;
  return ask(person, { act: 'release', item_code, ...claimed }, { method: 'DELETE', path });
};

export const force = (admin: Person, item_code: string): Promise<Request> =>
  ask(
    admin,
    { act: 'force', item_code },
    { method: 'DELETE', path: `/api/locks/${encodeURIComponent(item_code)}?force=true` },
  );

async function ask(
  { api, user, journal }: Person,
  noted: Omit<Request, 'user' | 'sentAt' | 'answeredAt' | 'status'>,
  call: Parameters<Api>[0],
): Promise<Request> {
  const sentAt = Date.now();
  const answer = await api(call);
  const request: Request = { ...noted, user, sentAt, answeredAt: Date.now(), ...read(answer) };
  journal.requests.push(request);
  if (answer.status >= 500 && answer.status !== 503)
    journal.surprises.push(`${noted.act} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return request;
}

function read({ status, body }: Answer): Pick<Request, 'status' | 'error_code' | 'lock' | 'version'> {
  const isDone = status >= 200 && status < 300;
  const line = body['line'] as { version?: number } | null | undefined;
  return {
    status,
    ...(typeof body['error_code'] === 'string' ? { error_code: body['error_code'] } : {}),
    // In an `item_locked` answer it is the holder's, which is nobody's promise.
    ...(isDone && body['lock'] ? { lock: body['lock'] as ToldLock } : {}),
    ...(isDone && line?.version !== undefined ? { version: line.version } : {}),
  };
}
