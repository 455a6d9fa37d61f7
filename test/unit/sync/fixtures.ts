import type { CountLine } from '../../../src/contract/schemas/count-line.ts';
import type { CountSession } from '../../../src/contract/schemas/count-session.ts';
import type { ItemLock } from '../../../src/contract/schemas/item-lock.ts';
import type { SyncConflict } from '../../../src/contract/schemas/sync-conflict.ts';
import { person } from '../../../src/domain/events/actor.ts';
import type {
  ChunkPlan,
  ChunkSnapshot,
  InboxOperation,
  UploadContext,
} from '../../../src/domain/sync/chunk.ts';
import { decideChunk } from '../../../src/domain/sync/decide-chunk.ts';
import { contentHash, operationKey } from '../../../src/domain/sync/identity.ts';
import type { CountUpdate } from '../../../src/domain/sync/operation.ts';
import { readOperation } from '../../../src/domain/sync/read-operation.ts';

export const RECEIVED = new Date('2026-03-02T10:00:00.000Z');
export const COUNTED = new Date('2026-03-02T09:30:00.000Z');

export const session = (over: Partial<CountSession> = {}): CountSession => ({
  id: 'S-1',
  session_id: 'S-1',
  warehouse: 'North',
  type: 'STANDARD',
  status: 'OPEN',
  started_at: COUNTED,
  closed_at: null,
  staff_user: 'ana',
  notes: null,
  offline_created: true,
  sync_status: 'synced',
  conflict_items: [],
  ...over,
});

/** A line that another device wrote at version 3 with 10 pieces. */
export const line = (over: Partial<CountLine> = {}): CountLine => ({
  id: 'line-1',
  session_id: 'S-1',
  item_code: 'bolt',
  location: '',
  counted_qty: 10,
  erp_qty: 12,
  erp_qty_source: 'device',
  variance: -2,
  variance_reason: null,
  category: 'metal',
  unit_value: 2,
  variance_value: -4,
  note: null,
  counted_by: 'bob',
  counted_at: COUNTED,
  version: 3,
  updated_at: COUNTED,
  device_id: 'phone-B',
  queue_epoch: 'e1',
  ...over,
});

export const lock = (over: Partial<ItemLock> = {}): ItemLock => ({
  lock_id: 'a3c6a4a0-6d0e-4d51-9a2c-2f7f5e0f4a11',
  item_code: 'bolt',
  session_id: 'S-1',
  locked_by: 'sue',
  locked_at: RECEIVED,
  expires_at: new Date(RECEIVED.getTime() + 900_000),
  reason: 'offline_sync',
  fence: 4,
  ...over,
});

export const conflict = (over: Partial<SyncConflict> = {}): SyncConflict => ({
  conflict_id: 'c-1',
  conflict_type: 'update_conflict',
  session_id: 'S-1',
  item_code: 'bolt',
  location: '',
  device_id: 'phone-A',
  queue_epoch: 'e1',
  base_version: 1,
  local_value: {
    counted_qty: 7,
    variance_reason: 'broken',
    note: 'top shelf',
    erp_qty: 12,
    counted_by: 'ana',
    counted_at: COUNTED,
    version: 1,
  },
  local_details: { erp_qty: 12, erp_qty_source: 'device', unit_value: 2, category: 'metal' },
  status: 'pending',
  created_at: RECEIVED,
  trail: [{ at: RECEIVED, by: 'ana', step: 'opened', local_value: null, server_value: null }],
  ...over,
});

export const count = (over: Partial<CountUpdate> = {}): CountUpdate => ({
  operation: 'count_update',
  session_id: 'S-1',
  item_code: 'bolt',
  location: '',
  counted_qty: 7,
  counted_at: COUNTED,
  base_version: 0,
  erp_qty: null,
  unit_value: null,
  category: null,
  variance_reason: null,
  note: null,
  ...over,
});

type Payload = Record<string, unknown>;

/** Items as a device sends them; the payload's session is S-1 and its item `bolt` unless told. */
export const sent = {
  start: (id: number, payload: Payload = {}, over: object = {}) => ({
    id,
    operation: 'session_start',
    entity_type: 'session',
    payload: { session_id: 'S-1', warehouse: 'North', started_at: COUNTED.toISOString(), ...payload },
    created_at: COUNTED.getTime(),
    ...over,
  }),
  count: (id: number, counted_qty: unknown = 7, payload: Payload = {}, over: object = {}) => ({
    id,
    operation: 'count_update',
    entity_type: 'count_line',
    payload: {
      session_id: 'S-1',
      item_code: 'bolt',
      counted_qty,
      counted_at: COUNTED.toISOString(),
      ...payload,
    },
    created_at: COUNTED.getTime(),
    ...over,
  }),
  complete: (id: number, payload: Payload = {}, over: object = {}) => ({
    id,
    operation: 'session_complete',
    entity_type: 'session',
    payload: { session_id: 'S-1', completed_at: COUNTED.toISOString(), ...payload },
    created_at: COUNTED.getTime(),
    ...over,
  }),
};

export type SentItem = ReturnType<(typeof sent)['count' | 'start' | 'complete']>;

export function inbox(item: SentItem): InboxOperation {
  const { content, ...read } = readOperation(item);
  return { ...read, content: contentHash(content) };
}

export const context = (over: Partial<UploadContext> = {}): UploadContext => {
  let ids = 0;
  return {
    device_id: 'phone-A',
    queue_epoch: 'e1',
    uploader: person('ana', 'staff'),
    sentAt: RECEIVED,
    receivedAt: RECEIVED,
    maxAgeDays: 400,
    sentAgain: false,
    newId: () => `new-${++ids}`,
    ...over,
  };
};

export const snapshot = (over: Partial<ChunkSnapshot> = {}): ChunkSnapshot => ({
  now: RECEIVED,
  ledger: new Map(),
  resolutions: new Map(),
  sessions: [],
  lines: [],
  locks: new Map(),
  pendingConflicts: [],
  erpItems: new Map(),
  visitedSessions: new Set(),
  ...over,
});

/** Decides sent items on a snapshot. */
export const decide = (
  items: readonly SentItem[],
  facts: Partial<ChunkSnapshot> = {},
  who: Partial<UploadContext> = {},
): ChunkPlan => decideChunk(items.map(inbox), snapshot(facts), context(who), { items: [], results: [] });

/** `verdict code` per result, in order. */
export const verdicts = (plan: Pick<ChunkPlan, 'results'>): string[] =>
  plan.results.map(({ verdict, code }) => (code ? `${verdict} ${code}` : verdict));

/** The plan's verdicts as the ledger would hold them for the next batch of the same device. */
export const ledgerOf = (plan: ChunkPlan, who = context()): ChunkSnapshot['ledger'] =>
  new Map(
    plan.ledger.map(({ id, ...entry }) => [
      operationKey(who.device_id, who.queue_epoch, id).toString('base64'),
      entry,
    ]),
  );

/** `type action` per event, or the state of the lock or conflict it tells of. */
export const eventNames = (plan: Pick<ChunkPlan, 'events'>): string[] =>
  plan.events.map(({ type, payload }) => {
    const { conflict: told } = payload.data as { conflict?: { state: string } };
    return told ? `conflict ${told.state}` : `${type} ${payload.action}`;
  });
