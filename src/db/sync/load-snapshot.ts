import { Binary, type ClientSession } from 'mongodb';
import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { Resolution } from '../../contract/wire-types.ts';
import type { ChunkSnapshot, ErpFacts, InboxOperation, LedgerEntry } from '../../domain/sync/chunk.ts';
import { deviceSessionKey } from '../../domain/sync/identity.ts';
import type { Operation } from '../../domain/sync/operation.ts';
import type { Database } from '../database.ts';
import { loadErpItems } from '../erp-items.ts';
import { loadActiveLocks } from '../locks/load-active-locks.ts';
import { readServerTime } from '../server-time.ts';
import { findSessions } from '../sessions/sessions.ts';
import { LINE_FIELDS } from './lines.ts';
import { loadLedger } from './sync-operations.ts';

/**
 * Reads what a chunk of operations is decided on, in the caller's transaction: a fixed number of queries
 * whatever the number of operations.
 */
export async function loadSnapshot(
  database: Database,
  session: ClientSession,
  batch: { device_id: string; queue_epoch: string },
  items: readonly InboxOperation[],
): Promise<ChunkSnapshot> {
  const operations = items.flatMap((item) => ('operation' in item ? [item.operation] : []));
  const itemsBySession = countedItemsBySession(operations);
  const sessionIds = [...new Set(operations.map((operation) => operation.session_id))];
  const itemCodes = [...new Set([...itemsBySession.values()].flatMap((codes) => [...codes]))];
  // One after the other: a transaction's session takes one command at a time.
  const now = await readServerTime(database, session);
  const ledger = await loadLedger(
    database,
    session,
    batch,
    items.map((item) => item.id),
  );
  const sessions = await findSessions(database, sessionIds, session);
  const lines = await loadLines(database, session, itemsBySession);
  const locks = await loadActiveLocks(database, session, itemCodes);
  const pendingConflicts =
    itemCodes.length === 0
      ? []
      : await database.conflicts
          .find(
            { status: 'pending', session_id: { $in: sessionIds }, item_code: { $in: itemCodes } },
            { session, projection: { _id: 0 } },
          )
          .toArray();
  return {
    now,
    ledger,
    resolutions: await loadResolutions(database, session, ledger),
    sessions,
    lines,
    locks,
    pendingConflicts,
    erpItems: await loadErpFacts(database, session, operations),
    visitedSessions: await loadVisitedSessions(database, session, batch.device_id, sessionIds),
  };
}

function countedItemsBySession(operations: readonly Operation[]): Map<string, Set<string>> {
  const bySession = new Map<string, Set<string>>();
  for (const operation of operations) {
    if (operation.operation !== 'count_update') continue;
    const codes = bySession.get(operation.session_id) ?? new Set();
    bySession.set(operation.session_id, codes.add(operation.item_code));
  }
  return bySession;
}

async function loadLines(
  database: Database,
  session: ClientSession,
  itemsBySession: Map<string, Set<string>>,
): Promise<CountLine[]> {
  if (itemsBySession.size === 0) return [];
  const ofSession = [...itemsBySession].map(([session_id, codes]) => ({
    session_id,
    item_code: { $in: [...codes] },
    version: { $exists: true },
  }));
  const filter = ofSession.length === 1 ? ofSession[0]! : { $or: ofSession };
  return database.lines.find(filter, { session, projection: LINE_FIELDS }).toArray();
}

async function loadResolutions(
  database: Database,
  session: ClientSession,
  ledger: ReadonlyMap<string, LedgerEntry>,
): Promise<Map<string, Resolution>> {
  const ids = [...ledger.values()].flatMap((entry) => entry.conflict_id ?? []);
  if (ids.length === 0) return new Map();
  const rows = await database.conflicts
    .find({ conflict_id: { $in: ids }, status: 'resolved' }, { session })
    .toArray();
  return new Map(rows.map((row) => [row.conflict_id, row.resolution!]));
}

async function loadErpFacts(
  database: Database,
  session: ClientSession,
  operations: readonly Operation[],
): Promise<Map<string, ErpFacts>> {
  const incomplete = new Set<string>();
  for (const operation of operations) {
    if (operation.operation !== 'count_update') continue;
    const { erp_qty, unit_value, category } = operation;
    if (erp_qty === null || unit_value === null || category === null) incomplete.add(operation.item_code);
  }
  return loadErpItems(database, [...incomplete], session);
}

async function loadVisitedSessions(
  database: Database,
  session: ClientSession,
  deviceId: string,
  sessionIds: readonly string[],
): Promise<Set<string>> {
  if (sessionIds.length === 0) return new Set();
  const keys = new Map(
    sessionIds.map((sessionId) => {
      const key = deviceSessionKey(deviceId, sessionId);
      return [key.toString('base64'), sessionId] as const;
    }),
  );
  const rows = await database.deviceSessions
    .find(
      { _id: { $in: [...keys.keys()].map((key) => new Binary(Buffer.from(key, 'base64'))) } },
      { session },
    )
    .toArray();
  return new Set(rows.map((row) => keys.get(Buffer.from(row._id.buffer).toString('base64'))!));
}
