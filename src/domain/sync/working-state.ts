import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { RealTimeEvent } from '../../contract/wire-types.ts';
import type { ChunkPlan, ChunkSnapshot, LedgerEntry, LockWish } from './chunk.ts';

type LineKey = Pick<CountLine, 'session_id' | 'item_code' | 'location'>;
type LockFacts = Pick<ItemLock, 'session_id' | 'reason' | 'locked_by'>;

// Keys contain no control characters (contract 4).
const itemKey = (key: Pick<LineKey, 'session_id' | 'item_code'>) => `${key.session_id}\n${key.item_code}`;
export const lineKey = (key: LineKey) => `${itemKey(key)}\n${key.location}`;
const writerKey = (line: LineKey, writer: Pick<SyncConflict, 'device_id' | 'queue_epoch'>) =>
  `${lineKey(line)}\n${writer.device_id}\n${writer.queue_epoch}`;

/**
 * The snapshot as the operations of one chunk change it, one after the other, so that each is decided on
 * what the ones before it did. Remembers what changed; writes nothing.
 */
export class WorkingState {
  readonly #snapshot: ChunkSnapshot;
  readonly #lines = new Map<string, CountLine>();
  readonly #locationsOfItem = new Map<string, string[]>();
  readonly #sessions = new Map<string, CountSession>();
  readonly #createdSessions = new Set<string>();
  readonly #changedSessions = new Set<string>();
  readonly #conflicts = new Map<string, SyncConflict>();
  readonly #conflictOfWriter = new Map<string, string>();
  readonly #openedConflicts = new Set<string>();
  readonly #changedConflicts = new Set<string>();
  readonly #ledger: Map<string, LedgerEntry>;
  readonly #recorded: ChunkPlan['ledger'] = [];
  readonly #locks: Map<string, LockFacts>;
  readonly #lockWishes: LockWish[] = [];
  readonly #linesBefore = new Map<string, CountLine | null>();
  readonly #visited: Set<string>;
  readonly #newlyVisited: string[] = [];
  readonly #completions: ChunkPlan['completions'] = [];
  readonly #events: RealTimeEvent[] = [];

  constructor(snapshot: ChunkSnapshot) {
    this.#snapshot = snapshot;
    for (const line of snapshot.lines) this.#putLine(line);
    for (const session of snapshot.sessions) this.#sessions.set(session.session_id, session);
    for (const conflict of snapshot.pendingConflicts) this.#putConflict(conflict);
    this.#ledger = new Map(snapshot.ledger);
    this.#locks = new Map(snapshot.locks);
    this.#visited = new Set(snapshot.visitedSessions);
  }

  get now(): Date {
    return this.#snapshot.now;
  }

  recordedVerdict(key: string): LedgerEntry | undefined {
    return this.#ledger.get(key);
  }

  resolutionOf(conflictId: string) {
    return this.#snapshot.resolutions.get(conflictId);
  }

  record(key: string, id: number, entry: LedgerEntry): void {
    this.#ledger.set(key, entry);
    this.#recorded.push({ ...entry, id });
  }

  erpItem(itemCode: string) {
    return this.#snapshot.erpItems.get(itemCode);
  }

  session(sessionId: string): CountSession | undefined {
    return this.#sessions.get(sessionId);
  }

  createSession(session: CountSession): void {
    this.#sessions.set(session.session_id, session);
    this.#createdSessions.add(session.session_id);
  }

  changeSession(session: CountSession): void {
    this.#sessions.set(session.session_id, session);
    if (!this.#createdSessions.has(session.session_id)) this.#changedSessions.add(session.session_id);
  }

  completeSession(session: CountSession, completedAt: Date): void {
    this.changeSession(session);
    this.#completions.push({ session_id: session.session_id, completed_at: completedAt });
  }

  /** The stored line, voided or not. */
  line(key: LineKey): CountLine | undefined {
    return this.#lines.get(lineKey(key));
  }

  /** All lines of the item in the session, voided ones too. */
  itemLines(key: Pick<LineKey, 'session_id' | 'item_code'>): CountLine[] {
    return (this.#locationsOfItem.get(itemKey(key)) ?? []).map((location) => this.#lines.get(location)!);
  }

  writeLine(line: CountLine): void {
    const key = lineKey(line);
    if (!this.#linesBefore.has(key)) this.#linesBefore.set(key, this.#lines.get(key) ?? null);
    this.#putLine(line);
  }

  lock(itemCode: string): LockFacts | undefined {
    return this.#locks.get(itemCode);
  }

  /** Asks for the item's lock and treats it as taken from here on. */
  takeLock(wish: LockWish, lockedBy: string): void {
    this.#lockWishes.push(wish);
    this.#locks.set(wish.item_code, {
      session_id: wish.session_id,
      reason: 'offline_sync',
      locked_by: lockedBy,
    });
  }

  pendingConflict(
    key: LineKey,
    writer: { device_id: string; queue_epoch: string },
  ): SyncConflict | undefined {
    const conflictId = this.#conflictOfWriter.get(writerKey(key, writer));
    return conflictId === undefined ? undefined : this.#conflicts.get(conflictId);
  }

  conflict(conflictId: string): SyncConflict | undefined {
    return this.#conflicts.get(conflictId);
  }

  openConflict(conflict: SyncConflict): void {
    this.#putConflict(conflict);
    this.#openedConflicts.add(conflict.conflict_id);
  }

  changeConflict(conflict: SyncConflict): void {
    this.#putConflict(conflict);
    if (!this.#openedConflicts.has(conflict.conflict_id)) this.#changedConflicts.add(conflict.conflict_id);
  }

  /** Sessions whose conflict state changed since the snapshot. */
  disputedSessions(): CountSession[] {
    const before = new Map(this.#snapshot.sessions.map((session) => [session.session_id, session]));
    return [...this.#sessions.values()].filter(
      (session) =>
        session.conflict_items.length !== (before.get(session.session_id)?.conflict_items.length ?? 0),
    );
  }

  /** True the first time this device uploads for the session. */
  visit(sessionId: string): boolean {
    if (this.#visited.has(sessionId)) return false;
    this.#visited.add(sessionId);
    this.#newlyVisited.push(sessionId);
    return true;
  }

  emit(event: RealTimeEvent): void {
    this.#events.push(event);
  }

  /** Everything that changed since the snapshot. */
  changes(): Omit<ChunkPlan, 'results'> {
    const sessions = (ids: Set<string>) => [...ids].map((id) => this.#sessions.get(id)!);
    const conflicts = (ids: Set<string>) => [...ids].map((id) => this.#conflicts.get(id)!);
    return {
      ledger: this.#recorded,
      lines: [...this.#linesBefore].map(([key, before]) => ({ before, after: this.#lines.get(key)! })),
      createdSessions: sessions(this.#createdSessions),
      changedSessions: sessions(this.#changedSessions),
      openedConflicts: conflicts(this.#openedConflicts),
      changedConflicts: conflicts(this.#changedConflicts),
      locks: this.#lockWishes,
      newlyVisitedSessions: this.#newlyVisited,
      completions: this.#completions,
      events: this.#events,
      touchedItems: this.#touchedItems(),
    };
  }

  #touchedItems(): ChunkPlan['touchedItems'] {
    const before = Map.groupBy(this.#snapshot.lines, itemKey);
    const touched = new Set<string>();
    for (const key of this.#linesBefore.keys()) touched.add(itemKey(this.#lines.get(key)!));
    return [...touched].map((key) => ({
      before: before.get(key) ?? [],
      after: (this.#locationsOfItem.get(key) ?? []).map((location) => this.#lines.get(location)!),
    }));
  }

  #putConflict(conflict: SyncConflict): void {
    this.#conflicts.set(conflict.conflict_id, conflict);
    this.#conflictOfWriter.set(writerKey(conflict, conflict), conflict.conflict_id);
  }

  #putLine(line: CountLine): void {
    const key = lineKey(line);
    if (!this.#lines.has(key)) {
      const item = itemKey(line);
      const locations = this.#locationsOfItem.get(item);
      if (locations) locations.push(key);
      else this.#locationsOfItem.set(item, [key]);
    }
    this.#lines.set(key, line);
  }
}
