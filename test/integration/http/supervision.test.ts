import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COUNTED, sent } from '../../unit/sync/fixtures.ts';
import { openSession } from '../sync/sync-engine.ts';
import { type Answer, batchOf, type CallOptions, type HttpEngine, httpEngine } from './http-engine.ts';

let engine: HttpEngine;
let nextId = 1;
beforeAll(async () => {
  engine = await httpEngine();
});
afterAll(() => engine.drop());

const supervisor = (method: string, url: string, body?: unknown): Promise<Answer> =>
  engine.call(method, url, { who: 'sue', role: 'supervisor', ...(body === undefined ? {} : { body }) });
const codeOf = ({ status, body }: Answer) => `${status} ${String(body['error_code'])}`;

/** A session with phone B's 10 `bolt` and phone A's 7 in conflict; returns the conflict's path. */
async function dispute(session_id: string, payload = {}): Promise<string> {
  await engine.database.locks.deleteMany({});
  await openSession(engine, session_id);
  const [result] = await engine.upload([sent.count(nextId++, 7, { session_id, ...payload })]);
  return `/api/sync/conflicts/${result!.conflict_id}`;
}

describe('who may do what', () => {
  const ID = '8f7a2c1e-0000-4000-8000-000000000000';
  test.each([
    ['POST', '/api/sync/batches', 'staff'],
    ['GET', `/api/sync/batches/${ID}`, 'staff'],
    ['GET', '/api/sessions', 'staff'],
    ['GET', '/api/sessions/x', 'staff'],
    ['GET', '/api/sessions/x/lines', 'staff'],
    ['GET', '/api/sessions/x/report.csv', 'staff'],
    ['POST', `/api/sessions/x/lines/${ID}/void`, 'supervisor'],
    ['GET', '/api/sync/conflicts', 'supervisor'],
    ['GET', `/api/sync/conflicts/${ID}`, 'supervisor'],
    ['POST', `/api/sync/conflicts/${ID}/claim`, 'supervisor'],
    ['POST', `/api/sync/conflicts/${ID}/resolve`, 'supervisor'],
    ['POST', '/api/sync/conflicts/resolve', 'supervisor'],
    ['GET', '/api/users/me/preferences', 'staff'],
    ['PATCH', '/api/users/me/preferences', 'staff'],
    ['GET', '/api/devices', 'supervisor'],
    ['GET', '/api/admin/realtime/connections', 'admin'],
  ])('%s %s: %s', async (method, url, needed) => {
    const ranks = ['staff', 'supervisor', 'admin'];
    expect(codeOf(await engine.call(method, url, { token: null }))).toBe('401 unauthorized');
    for (const role of ranks) {
      const { status } = await engine.call(method, url, { role });
      expect(status === 403, role).toBe(ranks.indexOf(role) < ranks.indexOf(needed));
      expect(status, role).toBeLessThan(500);
    }
  });
});

describe('what is not there, or no id', () => {
  const LONG = 'x'.repeat(10_240);
  test.each([
    ['GET', '/api/nothing', '404 not_found'],
    ['DELETE', '/api/sessions', '404 not_found'],
    ['GET', '/api/sessions/nobody', '404 not_found'],
    ['GET', '/api/sessions/nobody/lines', '404 not_found'],
    ['GET', '/api/sessions/nobody/report.csv', '404 not_found'],
    ['GET', `/api/sessions/${LONG}`, '400 invalid_request'],
    ['GET', `/api/sync/batches/${LONG}`, '400 invalid_request'],
    ['GET', `/api/sync/conflicts/${LONG}`, '400 invalid_request'],
    ['POST', `/api/sync/conflicts/${LONG}/claim`, '400 invalid_request'],
    ['GET', '/api/sessions/%00', '400 invalid_request'],
    ['GET', '/api/sessions/%E0%A4%A', '400 invalid_request'],
    ['GET', '/api/sessions?limit=0', '400 invalid_request'],
    ['GET', '/api/sessions?limit=501', '400 invalid_request'],
    ['GET', '/api/sessions?limit=x', '400 invalid_request'],
    ['GET', '/api/sessions?limit=1&limit=2', '400 invalid_request'],
    ['GET', '/api/sessions?status=OPENED', '400 invalid_request'],
    ['GET', '/api/sessions?status[$ne]=OPEN&status=x', '400 invalid_request'],
    ['GET', '/api/sessions?cursor=nonsense', '400 invalid_request'],
    ['GET', `/api/sessions?cursor=${'x'.repeat(401)}`, '400 invalid_request'],
    [
      'GET',
      `/api/sync/conflicts?cursor=${Buffer.from('[1e300,"x"]').toString('base64url')}`,
      '400 invalid_request',
    ],
    ['GET', '/api/sync/conflicts?status=open', '400 invalid_request'],
    ['GET', '/api/devices?cursor=nonsense', '400 invalid_request'],
  ])('%s %s: %s', async (method, url, expected) => {
    expect(codeOf(await supervisor(method, url))).toBe(expected);
  });
});

describe('sessions', () => {
  test('are listed page by page, each once', async () => {
    for (const id of ['p1', 'p2', 'p3']) await openSession(engine, id);
    const seen: unknown[] = [];
    let query = '?limit=2';
    for (;;) {
      const { body } = await engine.call('GET', `/api/sessions${query}`);
      seen.push(...(body['sessions'] as { session_id: string }[]).map(({ session_id }) => session_id));
      expect(body['total']).toBe(3);
      if (body['next_cursor'] === undefined) break;
      query = `?limit=2&cursor=${String(body['next_cursor'])}`;
    }
    expect(seen).toEqual(['p1', 'p2', 'p3']);
  });

  test('show their lines since a time in any of its forms', async () => {
    await openSession(engine, 'since');
    const lines = async (since: string) => {
      const { body } = await engine.call('GET', `/api/sessions/since/lines?updated_since=${since}`);
      return (body['lines'] as unknown[]).length;
    };
    const later = Date.now() + 86_400_000;
    expect(
      await Promise.all([0, '2026-01-01', later, Math.trunc(later / 1000)].map((at) => lines(String(at)))),
    ).toEqual([1, 1, 0, 0]);
    expect((await engine.call('GET', '/api/sessions/since/lines?updated_since=x')).status).toBe(400);
  });

  test('BLIND: staff see no book, no variance and no foreign quantity, supervisors do', async () => {
    const session_id = 'blind';
    const at = { session_id, erp_qty: 9 };
    await engine.upload([sent.start(901, { session_id, type: 'BLIND' }), sent.count(902, 10, at)], {
      device_id: 'phone-B',
      user_id: 'bob',
    });
    await engine.upload([sent.count(nextId++, 3, { ...at, location: 'A' })]);
    const shown = async (options: CallOptions) => {
      const { body } = await engine.call('GET', `/api/sessions/${session_id}/lines`, options);
      return (body['lines'] as Record<string, unknown>[]).map(({ counted_qty, erp_qty, variance }) => [
        counted_qty,
        erp_qty,
        variance,
      ]);
    };
    expect(await shown({ who: 'ana' })).toEqual([
      [undefined, undefined, undefined],
      [3, undefined, undefined],
    ]);
    expect(await shown({ who: 'sue', role: 'supervisor' })).toEqual([
      [10, 9, 1],
      [3, 9, -6],
    ]);
    const csv = await engine.call('GET', `/api/sessions/${session_id}/report.csv`, { who: 'ana' });
    expect(csv.text.split('\r\n')[1]).toMatch(/^bolt,,,,,,,,bob,/);
    const conflicting = batchOf([sent.count(nextId++, 4, at), sent.start(nextId++, { session_id: 'seen' })]);
    const answer = await engine.call('POST', '/api/sync/batches', {
      body: conflicting,
      headers: { prefer: 'wait=10' },
    });
    expect(answer.body['results']).toMatchObject([
      { verdict: 'conflict', server: { version: 1, counted_by: 'bob' } },
      {},
    ]);
    expect(answer.text).not.toContain('"counted_qty"');
  });

  test('a report is safe to open in a spreadsheet', async () => {
    const session_id = 'report';
    await engine.upload([
      sent.start(nextId++, { session_id }),
      sent.count(nextId++, 1, { session_id, item_code: '=1+1' }),
    ]);
    const csv = await engine.call('GET', `/api/sessions/${session_id}/report.csv`);
    expect(csv.headers['content-type']).toContain('text/csv');
    expect(csv.text).toContain(`'=1+1,,1,,,,,,ana,${COUNTED.toISOString()},1,\r\n`);
  });

  test('a line is voided by a supervisor, with a reason', async () => {
    await openSession(engine, 'voiding');
    const { id } = (await engine.database.lines.findOne({ session_id: 'voiding' }))!;
    const url = `/api/sessions/voiding/lines/${id}/void`;
    expect(codeOf(await supervisor('POST', url, {}))).toBe('400 invalid_request');
    expect(codeOf(await supervisor('POST', url, { reason: { $gt: '' } }))).toBe('400 invalid_request');
    expect(codeOf(await supervisor('POST', url.replace('voiding/', 'other/'), { reason: 'x' }))).toBe(
      '404 not_found',
    );
    expect((await supervisor('POST', url, { reason: 'typo' })).body).toMatchObject({
      line: { version: 2, voided_by: 'sue' },
    });
  });
});

describe('conflicts', () => {
  test('are shown with both values, today’s line and the lock', async () => {
    const path = await dispute('shown', { note: 'n' });
    const { body } = await supervisor('GET', '/api/sync/conflicts?status=pending&session_id=shown');
    expect(body).toEqual({
      conflicts: [
        {
          conflict_id: path.split('/').at(-1),
          conflict_type: 'update_conflict',
          entity_type: 'count_line',
          entity_id: expect.any(String),
          item_code: 'bolt',
          session_id: 'shown',
          location: '',
          local_value: expect.objectContaining({ counted_qty: 7, note: 'n', counted_by: 'ana', version: 0 }),
          server_value: expect.objectContaining({ counted_qty: 10, counted_by: 'bob', version: 1 }),
          base_version: 0,
          server_version: 1,
          created_at: expect.any(String),
          local_timestamp: COUNTED.toISOString(),
          server_timestamp: COUNTED.toISOString(),
          status: 'pending',
          lock: expect.objectContaining({ reason: 'offline_sync', locked_by: 'ana' }),
        },
      ],
      total: 1,
    });
    expect((await supervisor('GET', path)).body['trail']).toMatchObject([{ step: 'opened', by: 'ana' }]);
  });

  test('are claimed and resolved once; a stale view is told today’s line', async () => {
    const path = await dispute('resolved');
    const claim = await supervisor('POST', `${path}/claim`);
    const { fence } = claim.body['lock'] as { fence: number };
    const merge = (over: object) =>
      supervisor('POST', `${path}/resolve`, { resolution: 'merge', server_version: 1, ...over });
    expect(codeOf(await merge({}))).toBe('422 merged_value_required');
    expect(codeOf(await merge({ merged_value: { counted_qty: -1 } }))).toBe('400 invalid_request');
    expect(codeOf(await merge({ merged_value: { counted_qty: 8 }, fence: fence + 1 }))).toBe('409 lock_lost');
    const stale = await merge({ merged_value: { counted_qty: 8 }, server_version: 0 });
    expect([codeOf(stale), stale.body['line']]).toEqual([
      '409 server_version_changed',
      expect.objectContaining({ version: 1, counted_qty: 10 }),
    ]);
    const other = await engine.call('POST', `${path}/claim`, { who: 'max', role: 'supervisor' });
    expect([codeOf(other), other.body['lock']]).toEqual([
      '409 item_locked',
      expect.objectContaining({ locked_by: 'sue' }),
    ]);
    expect((await merge({ merged_value: { counted_qty: 8 }, fence })).body).toMatchObject({
      success: true,
      message: expect.any(String),
      line: { counted_qty: 8, version: 2 },
    });
    expect(codeOf(await merge({ merged_value: { counted_qty: 8 } }))).toBe('409 conflict_already_resolved');
    expect(codeOf(await supervisor('POST', `${path}/claim`))).toBe('409 conflict_already_resolved');
  });

  test('of one session are resolved in bulk, one answer each; over one line the oldest first', async () => {
    await dispute('bulk');
    await engine.upload([sent.count(1, 2, { session_id: 'bulk' })], { device_id: 'phone-C' });
    const body = { session_id: 'bulk', resolution: 'keep_local' };
    expect(
      codeOf(await supervisor('POST', '/api/sync/conflicts/resolve', { ...body, resolution: 'merge' })),
    ).toBe('400 invalid_request');
    const { body: answer } = await supervisor('POST', '/api/sync/conflicts/resolve', body);
    expect(answer).toMatchObject({
      results: [
        { success: true, line: { counted_qty: 7, version: 2 } },
        { success: true, line: { counted_qty: 2, version: 3 } },
      ],
      total: 2,
    });
    expect((await supervisor('POST', '/api/sync/conflicts/resolve', body)).body).toEqual({
      results: [],
      total: 0,
    });
    expect(await engine.database.sessions.findOne({ session_id: 'bulk' })).toMatchObject({
      sync_status: 'synced',
    });
  });
});

test('preferences are made at first access and changed field by field', async () => {
  const mine = '/api/users/me/preferences';
  const first = await engine.call('GET', mine, { who: 'eva' });
  expect(first.body).toMatchObject({ user_id: 'eva', color_scheme: 'system', font_scale: 1 });
  const changed = await engine.call('PATCH', mine, {
    who: 'eva',
    body: { font_size: 'large', user_id: 'bob' },
  });
  expect(changed.body).toMatchObject({
    user_id: 'eva',
    font_size: 'large',
    font_scale: 1.15,
    primary_color: '#007AFF',
  });
  expect(codeOf(await engine.call('PATCH', mine, { who: 'eva', body: { primary_color: 'red' } }))).toBe(
    '400 invalid_request',
  );
  expect(codeOf(await engine.call('PATCH', mine, { who: 'eva', body: { font_scale: { $gt: 0 } } }))).toBe(
    '400 invalid_request',
  );
  await Promise.all(Array.from({ length: 10 }, () => engine.call('GET', mine, { who: 'many' })));
  expect(await engine.database.preferences.countDocuments({ user_id: 'many' })).toBe(1);
});

test('/openapi.json describes every route', async () => {
  const { body } = await engine.call('GET', '/openapi.json', { token: null });
  const described = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  expect(engine.routes.size).toBeGreaterThan(20);
  expect(described.toSorted()).toEqual([...engine.routes].toSorted());
});
