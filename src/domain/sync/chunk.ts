import type { CountLine } from '../../contract/schemas/count-line.ts';
import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { ItemLock } from '../../contract/schemas/item-lock.ts';
import type { SyncConflict } from '../../contract/schemas/sync-conflict.ts';
import type { OperationResult, RealTimeEvent, Resolution, VerdictCode } from '../../contract/wire-types.ts';
import type { Actor } from '../events/actor.ts';
import type { Operation, Rejection } from './operation.ts';

/** An operation as it waits in the inbox. */
export type InboxOperation =
  | { id: number; content: Buffer; operation: Operation }
  | { id: number; content: Buffer; rejection: Rejection };

/** Who sent the batch, from where and when; the same for all its operations. */
export interface UploadContext {
  device_id: string;
  queue_epoch: string;
  uploader: Actor;
  sentAt: Date;
  receivedAt: Date;
  maxAgeDays: number;
  /** It was set aside and is sent again by an operator: its device may have sent later values meanwhile. */
  sentAgain: boolean;
  /** A new uuid at each call. */
  newId: () => string;
}

/** A verdict that was recorded, by the operation's key (identity.ts) in base64. */
export interface LedgerEntry {
  content: Buffer;
  verdict: 'applied' | 'conflict' | 'rejected';
  code?: VerdictCode;
  message?: string;
  conflict_id?: string;
}

export interface ErpFacts {
  stock_qty?: number;
  mrp?: number;
  category?: string;
}

/** Everything that is read before a chunk of operations is decided, from one snapshot. */
export interface ChunkSnapshot {
  /** MongoDB's clock. */
  now: Date;
  ledger: ReadonlyMap<string, LedgerEntry>;
  /** How the conflicts that ledger entries name were resolved, if they were. */
  resolutions: ReadonlyMap<string, Resolution>;
  sessions: readonly CountSession[];
  /** All locations of every item that the chunk touches. */
  lines: readonly CountLine[];
  locks: ReadonlyMap<string, ItemLock>;
  pendingConflicts: readonly SyncConflict[];
  erpItems: ReadonlyMap<string, ErpFacts>;
  /** Sessions that this device uploaded for before. */
  visitedSessions: ReadonlySet<string>;
}

export interface LineWrite {
  /** As it was read, null when there was none. */
  before: CountLine | null;
  after: CountLine;
}

export interface LockWish {
  item_code: string;
  session_id: string;
  conflict_id: string;
}

/** Everything that a decided chunk changes; applied in one transaction or not at all. */
export interface ChunkPlan {
  results: OperationResult[];
  ledger: (LedgerEntry & { id: number })[];
  lines: LineWrite[];
  createdSessions: CountSession[];
  changedSessions: CountSession[];
  openedConflicts: SyncConflict[];
  changedConflicts: SyncConflict[];
  locks: LockWish[];
  newlyVisitedSessions: string[];
  /** Sessions that were completed: their figures are known once the lines are written. */
  completions: { session_id: string; completed_at: Date }[];
  events: RealTimeEvent[];
  /** Lines of each touched item before and after, for the dirty days. */
  touchedItems: { before: CountLine[]; after: CountLine[] }[];
}
