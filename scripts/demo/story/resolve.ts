// A supervisor decides the conflicts, and locks that end in each way a lock can.
import type { Demo } from '../demo.ts';
import { decimals, plural, step, whole } from '../say.ts';
import { lockIn } from '../supervisor.ts';
import type { OfflineWork } from './count-offline.ts';

interface Conflict {
  conflict_id: string;
  conflict_type: string;
  item_code: string;
  local_value: { counted_qty: number; counted_by: string };
  server_value: { counted_qty: number; counted_by: string } | null;
  server_version: number;
}

interface Lock {
  item_code: string;
  fence: number;
  expires_at: string;
}

const SHORT_TTL_SECONDS = 2;
/** A lock's end is recorded by a job that is rung for its very time. */
const MOST_SECONDS = SHORT_TTL_SECONDS + 3;

export async function resolveConflicts(demo: Demo, work: OfflineWork): Promise<void> {
  const { supervisor, claims } = demo;
  const { conflicts } = await supervisor.get<{ conflicts: Conflict[] }>(
    '/api/sync/conflicts?status=pending&limit=500',
  );
  claims.equal('every conflict is listed', conflicts.length, work.disputed.length + 1);
  const [toMerge, toKeep] = conflicts.filter((each) => each.item_code !== work.disputed[0]!.item_code);
  await claimAndMerge(demo, toMerge!);
  await keepLocal(demo, toKeep!);
  await keepServerForTheRest(demo, conflicts.length - 2);
}

async function claimAndMerge({ supervisor }: Demo, conflict: Conflict): Promise<void> {
  const path = `/api/sync/conflicts/${conflict.conflict_id}`;
  const { lock } = await supervisor.post<{ lock: Lock }>(`${path}/claim`);
  const local = conflict.local_value;
  const server = conflict.server_value!;
  step(
    'supervisor-1',
    `claims ${conflict.item_code} (${server.counted_by} found ${whole(server.counted_qty)}, ` +
      `${local.counted_by} ${whole(local.counted_qty)}): fence ${lock.fence}`,
  );
  const counted_qty = Math.floor((local.counted_qty + server.counted_qty) / 2);
  await supervisor.post(`${path}/resolve`, {
    resolution: 'merge',
    merged_value: { counted_qty, note: 'counted again together' },
    server_version: conflict.server_version,
    fence: lock.fence,
  });
  step('supervisor-1', `merge: they count together and find ${whole(counted_qty)}`);
}

async function keepLocal({ supervisor }: Demo, conflict: Conflict): Promise<void> {
  await supervisor.post(`/api/sync/conflicts/${conflict.conflict_id}/resolve`, {
    resolution: 'keep_local',
    server_version: conflict.server_version,
  });
  const { counted_by, counted_qty } = conflict.local_value;
  step(
    'supervisor-1',
    `keep_local: ${conflict.item_code} is ${whole(counted_qty)}, as ${counted_by} counted`,
  );
}

async function keepServerForTheRest({ supervisor, sessions, claims }: Demo, expected: number): Promise<void> {
  const { results } = await supervisor.post<{ results: { success: boolean }[] }>(
    '/api/sync/conflicts/resolve',
    { session_id: sessions.hall, resolution: 'keep_server' },
  );
  const resolved = results.filter((result) => result.success).length;
  claims.equal('the other conflicts are resolved at once', resolved, expected);
  const { total } = await supervisor.get<{ total: number }>('/api/locks');
  claims.equal('no lock is left after the last resolution', total, 0);
  step('supervisor-1', `keep_server for the other ${expected}: all locks of the session are gone`);
}

/** One that is given back, and one that nobody gives back. */
export async function lockByHand(
  { supervisor, watcher, claims, sessions }: Demo,
  work: OfflineWork,
): Promise<void> {
  const { item_code } = work.untouched;
  const take = { item_code, session_id: sessions.hall, reason: 'manual' };
  const given = await supervisor.post<{ lock: Lock }>('/api/locks', take);
  await supervisor.delete(`/api/locks/${item_code}?fence=${given.lock.fence}`);
  step('supervisor-1', `locks ${item_code} by hand and releases it`);

  const taken = await supervisor.post<{ lock: Lock }>('/api/locks', {
    ...take,
    ttl_seconds: SHORT_TTL_SECONDS,
  });
  step('supervisor-1', `locks it again for ${SHORT_TTL_SECONDS} s and forgets it`);
  const since = performance.now();
  await watcher.waitFor(
    'the end of a lock that expired',
    (event) => lockIn(event)?.state === 'expired' && lockIn(event)?.fence === taken.lock.fence,
  );
  const seconds = (performance.now() - since) / 1000;
  claims.equal('an expired lock is announced in time', seconds < MOST_SECONDS, true);
  step('engine', `the lock ended by itself; supervisor-1 was told after ${decimals(seconds, 1)} s`);
}

/** The phones ask how their conflicts stand, then end their sessions. */
export async function syncAgain({ phones, sessions, supervisor, watcher, claims }: Demo): Promise<void> {
  const { first, second, third } = phones;
  for (const phone of [first, second]) {
    const { resolved } = await phone.sync();
    const left = await phone.queue.list();
    claims.equal(`no row is left on ${phone.name}`, left.length, 0);
    step(phone.name, `${plural(resolved, 'conflict row')} synced, nothing left on the phone`);
  }
  await first.complete(sessions.hall, new Date());
  await third.complete(sessions.returns, new Date());
  await first.sync();
  await third.sync();
  for (const [phone, session] of [
    [first, sessions.hall],
    [third, sessions.returns],
  ] as const) {
    const done = await watcher.waitFor(
      'a completed session',
      (event) => event.type === 'count_complete' && event.payload.entity_id === session,
    );
    const figures = done.payload.data as { total_items: number; accuracy_rate: number };
    step(
      'supervisor-1',
      `sees ${session} completed by ${phone.user}: ${plural(figures.total_items, 'item')}, ` +
        `${decimals(figures.accuracy_rate, 1)} % match the book`,
    );
    const stored = await supervisor.get<{ status: string; sync_status: string }>(`/api/sessions/${session}`);
    claims.equal(
      `${session} is closed and synced`,
      [stored.status, stored.sync_status],
      ['CLOSED', 'synced'],
    );
  }
}
