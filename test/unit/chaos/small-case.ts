// A small run that went right: two phones, one line that both counted, a conflict, its resolution, two locks.
import { randomUUID } from 'node:crypto';
import { type Evidence, ledgerKey, type StoredBatch } from '../../../scripts/chaos/check/evidence.ts';
import type { Journal, SentBatch, SentOperation, ToldResult } from '../../../scripts/chaos/journal.ts';

export interface SmallCase {
  journal: Journal;
  evidence: Evidence;
}

export const START = Date.UTC(2025, 0, 15, 8);
const at = (seconds: number): Date => new Date(START + seconds * 1000);

const count = (device: string, id: number, qty: number, base: number): SentOperation => ({
  key: `${device}/e1/${id}`,
  device_id: device,
  queue_epoch: 'e1',
  id,
  user: `user of ${device}`,
  operation: 'count_update',
  session_id: 'S-1',
  payload: {},
  created_at: START,
  count: { item_code: 'I-1', location: '', counted_qty: qty, base_version: base, at: START + id },
});

const session = (id: number): SentOperation => {
  const { count: _count, ...rest } = count('A', id, 0, 0);
  return { ...rest, operation: 'session_start' };
};

const server = (operation: SentOperation, version: number) => ({
  version,
  counted_qty: operation.count!.counted_qty,
  counted_by: operation.user,
  counted_at: new Date(operation.count!.at).toISOString(),
});

/** Fresh documents each time: the tests break one thing in each. */
export function smallCase(): SmallCase {
  const start = session(1);
  const [first, again, other] = [count('A', 2, 5, 0), count('A', 3, 6, 1), count('B', 1, 9, 0)];
  const conflict_id = 'conflict-1';
  const side = { counted_qty: 9, counted_by: other.user, version: 0 };
  const decided = { ...side, version: 3 };
  const deliveries: [SentOperation[], ToldResult[], number][] = [
    [
      [start, first],
      [
        { id: 1, verdict: 'applied' },
        { id: 2, verdict: 'applied', server: server(first, 1) },
      ],
      1,
    ],
    [
      [first, again],
      [
        { id: 2, verdict: 'duplicate' },
        { id: 3, verdict: 'applied', server: server(again, 2) },
      ],
      2,
    ],
    [
      [other],
      [{ id: 1, verdict: 'conflict', code: 'update_conflict', conflict_id, server: server(again, 2) }],
      1,
    ],
  ];
  const journal: Journal = { batches: new Map(), requests: [], surprises: [] };
  const batches = new Map<string, StoredBatch>();
  for (const [index, [operations, results, seq]] of deliveries.entries()) {
    const { device_id, queue_epoch } = operations[0]!;
    const batch: SentBatch = {
      batch_id: randomUUID(),
      device_id,
      queue_epoch,
      operations,
      firstSentAt: START + index * 10_000,
      acknowledgedAt: START + index * 10_000 + 100,
      told: [{ at: START + index * 10_000 + 500, state: 'applied', results: structuredClone(results) }],
    };
    journal.batches.set(batch.batch_id, batch);
    batches.set(batch.batch_id, {
      _id: batch.batch_id,
      device_id,
      seq,
      state: 'applied',
      received_at: at(index * 10),
      applied_at: at(index * 10 + 0.4),
      results,
    });
  }
  const lock = { lock_id: 'lock-1', item_code: 'I-1', locked_by: 'supervisor', fence: 2 };
  const decision = { user: 'supervisor', item_code: 'I-1', conflict_id, fence: 2, sentAt: START + 40_000 };
  journal.requests.push(
    {
      act: 'claim',
      user: 'supervisor',
      item_code: 'I-1',
      sentAt: START,
      answeredAt: START,
      status: 200,
      lock,
    },
    {
      ...decision,
      act: 'resolve',
      resolution: 'keep_local',
      answeredAt: START + 40_500,
      status: 200,
      version: 3,
    },
  );
  const upload = { lock_id: 'lock-0', item_code: 'I-1', session_id: 'S-1', fence: 1, locked_by: other.user };
  const taken = { ...upload, reason: 'offline_sync' as const, locked_at: at(20), expires_at: at(920) };
  const claimed = {
    ...lock,
    session_id: 'S-1',
    reason: 'conflict_resolution' as const,
    locked_at: at(30),
    expires_at: at(930),
  };
  const data = { session_id: 'S-1', item_code: 'I-1', location: '' };
  const told = (extra: Record<string, unknown>) => ({
    at: at(50),
    event: { type: 'item_update', payload: { data: { ...data, ...extra } }, target_roles: [] },
  });
  const evidence: Evidence = {
    batches,
    ledger: new Map(
      [start, first, again, other].map((operation) => {
        const key = ledgerKey(operation);
        const verdict = operation === other ? { verdict: 'conflict', conflict_id } : { verdict: 'applied' };
        return [key, { key, at: at(1), ...verdict }];
      }),
    ),
    lines: [
      { ...data, counted_qty: 9, counted_by: other.user, version: 3, device_id: 'B', queue_epoch: 'e1' },
    ],
    conflicts: [
      {
        conflict_id,
        ...data,
        device_id: 'B',
        queue_epoch: 'e1',
        local_value: side,
        status: 'resolved',
        resolution: 'keep_local',
        resolved_by: 'supervisor',
        resolved_at: at(40.2),
        trail: [
          { at: at(20), by: other.user, step: 'opened', local_value: side, server_value: null },
          {
            at: at(40.2),
            by: 'supervisor',
            step: 'resolved',
            local_value: decided,
            server_value: null,
            fence: 2,
          },
        ],
      },
    ],
    sessions: [{ session_id: 'S-1', status: 'OPEN', sync_status: 'synced', conflict_items: [] }],
    history: [
      { ...taken, event: 'created', at: at(20), by: other.user },
      { ...taken, event: 'released', at: at(30), by: 'supervisor' },
      { ...claimed, event: 'created', at: at(30), by: 'supervisor' },
      { ...claimed, event: 'resolved', at: at(40.2), by: 'supervisor' },
    ],
    fences: new Map([['I-1', 2]]),
    locks: [],
    outbox: [
      ...[1, 2, 3].map((version) => told({ version })),
      ...['pending', 'resolved'].map((state) => told({ conflict: { conflict_id, state } })),
    ],
    deadLetters: [],
    readAt: at(60),
  };
  return { journal, evidence };
}
