import { randomUUID } from 'node:crypto';

import type { CountLine } from '../contract/schemas/count-line.ts';
import type { CountSession } from '../contract/schemas/count-session.ts';
import type { SyncConflict } from '../contract/schemas/sync-conflict.ts';
import type { RealTimeEvent } from '../contract/wire-types.ts';
import { countOtherPending, findConflict } from '../db/conflicts/read-conflicts.ts';
import { writeResolution } from '../db/conflicts/write-resolution.ts';
import type { Database } from '../db/database.ts';
import { markDirty } from '../db/dirty-periods.ts';
import { endLocks } from '../db/locks/end-locks.ts';
import { holdFences } from '../db/locks/hold-fences.ts';
import { loadActiveLocks } from '../db/locks/load-active-locks.ts';
import { appendEvents } from '../db/outbox.ts';
import { readServerTime } from '../db/server-time.ts';
import { findItemLines, findSession } from '../db/sessions/sessions.ts';
import { holdItemLines } from '../db/sync/lines.ts';
import { inTransaction, type Transaction } from '../db/transaction.ts';
import type { Actor } from '../domain/events/actor.ts';
import { conflictEvent, lineEvent } from '../domain/events/item-events.ts';
import { sessionEvent } from '../domain/events/session-events.ts';
import { conflictValueOf } from '../domain/sync/conflict-value.ts';
import {
  decideResolution,
  type ResolutionDecision,
  type ResolutionFacts,
  type ResolutionRequest,
} from '../domain/sync/decide-resolution.ts';
import { itemFigures } from '../domain/sync/item-figures.ts';
import { extendTrail } from '../domain/sync/trail.ts';
import { dirtyDays } from '../domain/variance/dirty-days.ts';

export interface ResolveDependencies {
  database: Database;
  timezone: string;
  notifyOutbox: () => void;
}

export type ResolveOutcome =
  | { kind: 'not_found' }
  | Exclude<ResolutionDecision, { kind: 'resolve' }>
  | { kind: 'resolved'; line: CountLine | undefined };

interface Loaded extends ResolutionFacts {
  itemLines: CountLine[];
}

/**
 * Resolves one conflict in one transaction, once (invariant S8): the line when the local count is kept or
 * merged, the session's conflict state, the lock's end, the trail, the events and the dirty marks. A take of
 * the item at the same time meets it on the item's fence, so that it commits before the new holder or is
 * refused (L5).
 */
export async function resolveConflict(
  dependencies: ResolveDependencies,
  conflictId: string,
  request: ResolutionRequest,
  actor: Actor,
): Promise<ResolveOutcome> {
  const { database, timezone } = dependencies;
  const outcome = await inTransaction(database, async (session): Promise<ResolveOutcome> => {
    const facts = await loadFacts(database, session, conflictId);
    if (!facts) return { kind: 'not_found' };
    const decision = decideResolution(request, facts);
    if (decision.kind !== 'resolve') return decision;
    await holdFences(database, session, [facts.conflict.item_code]);
    if (decision.line) await holdItemLines(database, session, facts.itemLines, [decision.line]);
    await writeResolution(database, session, {
      conflict: resolvedConflict(facts, request, decision.line),
      line: decision.line ? { before: facts.line ?? null, after: decision.line } : undefined,
      session: decision.session,
    });
    const lockEvents =
      decision.endLock && facts.lock
        ? await endLocks(
            database,
            session,
            [{ lock: facts.lock, end: 'resolved', by: actor.user_id, actor }],
            facts.now,
          )
        : [];
    const events = resolutionEvents(facts, request, decision.line, decision.session, actor);
    await appendEvents(database, session, [...events, ...lockEvents], facts.now);
    if (decision.line) {
      const days = dirtyDays(facts.itemLines, itemLinesAfter(facts, decision.line), timezone);
      await markDirty(database, session, days, timezone);
    }
    return { kind: 'resolved', line: decision.line ?? facts.line };
  });
  if (outcome.kind === 'resolved') dependencies.notifyOutbox();
  return outcome;
}

async function loadFacts(
  database: Database,
  session: Transaction,
  conflictId: string,
): Promise<Loaded | undefined> {
  const conflict = await findConflict(database, conflictId, session);
  if (!conflict) return undefined;
  const countSession = await findSession(database, conflict.session_id, session);
  if (!countSession) throw new Error(`conflict ${conflictId} names a session that does not exist`);
  const itemLines = await findItemLines(database, conflict, session);
  const locks = await loadActiveLocks(database, session, [conflict.item_code]);
  return {
    now: await readServerTime(database, session),
    conflict,
    session: countSession,
    line: itemLines.find((line) => line.location === conflict.location),
    itemLines,
    lock: locks.get(conflict.item_code),
    otherPending: await countOtherPending(database, conflict, session),
    newId: randomUUID,
  };
}

function resolvedConflict(
  facts: Loaded,
  request: ResolutionRequest,
  line: CountLine | undefined,
): SyncConflict {
  const { conflict, now, lock } = facts;
  const { resolution, user_id } = request;
  const server = facts.line?.voided_at === undefined ? facts.line : undefined;
  return {
    ...conflict,
    status: 'resolved',
    resolution,
    resolved_by: user_id,
    resolved_at: now,
    trail: extendTrail(conflict.trail, {
      at: now,
      by: user_id,
      step: 'resolved',
      resolution,
      local_value: line ? conflictValueOf(line) : conflict.local_value,
      server_value: conflictValueOf(server),
      ...(lock ? { fence: lock.fence } : {}),
    }),
  };
}

const itemLinesAfter = (facts: Loaded, line: CountLine): CountLine[] => [
  ...facts.itemLines.filter((other) => other.location !== line.location),
  line,
];

function resolutionEvents(
  facts: Loaded,
  request: ResolutionRequest,
  line: CountLine | undefined,
  session: CountSession | undefined,
  actor: Actor,
): RealTimeEvent[] {
  const { conflict, now } = facts;
  const { item_code, session_id, location, conflict_id, conflict_type } = conflict;
  const resolved = conflictEvent(
    {
      item_code,
      session_id,
      location,
      conflict_id,
      conflict_type,
      state: 'resolved',
      resolution: request.resolution,
    },
    actor,
    now,
  );
  return [
    ...(line ? [lineEvent(itemFigures(line, itemLinesAfter(facts, line)), actor, now)] : []),
    resolved,
    ...(session ? [sessionEvent(session, 'update', actor, now)] : []),
  ];
}
