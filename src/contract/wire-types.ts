/**
 * The shapes that cross the network between devices and the engine (contract 4), in plain types:
 * devices compile this file without Node's types or zod.
 */

export type Role = 'admin' | 'supervisor' | 'staff';

export type OperationName = 'session_start' | 'count_update' | 'session_complete';
export type EntityType = 'session' | 'count_line';
export type SessionType = 'STANDARD' | 'BLIND' | 'STRICT';

/** Unix seconds (below 1e11), Unix milliseconds, or ISO 8601; without a zone it is UTC. */
export type WireTime = number | string;

/** One operation as a device sends it; `payload` is judged by the server, per operation. */
export interface UploadItem {
  id: number;
  operation: string;
  entity_type: string;
  entity_id?: string | undefined;
  payload: unknown;
  created_at: WireTime;
  retry_count?: number | undefined;
}

export interface UploadBatch {
  batch_id: string;
  device_id: string;
  queue_epoch: string;
  sent_at: WireTime;
  schema_version?: 1 | undefined;
  queue_remaining?: number | undefined;
  items: UploadItem[];
}

export type Verdict = 'applied' | 'duplicate' | 'conflict' | 'rejected' | 'retry';

export type ConflictType = 'update_conflict' | 'lock_conflict' | 'session_closed';
export type Resolution = 'keep_local' | 'keep_server' | 'merge';

export type RejectionCode =
  | 'invalid_payload'
  | 'unknown_operation'
  | 'operation_id_reused'
  | 'session_mismatch'
  | 'operation_failed';
export type RetryCode = 'session_unknown' | 'temporarily_unavailable';
export type VerdictCode = ConflictType | RejectionCode | RetryCode;

/** What the server holds now. For a count the line, for a session the session; times are ISO 8601. */
export type ServerState =
  | { version: number; counted_qty?: number; counted_by: string; counted_at: string }
  | { session_id: string; status: 'OPEN' | 'CLOSED'; sync_status: 'synced' | 'pending' | 'conflict' };

export interface OperationResult {
  id: number;
  verdict: Verdict;
  code?: VerdictCode;
  message?: string;
  conflict_id?: string;
  resolution?: Resolution;
  server?: ServerState;
}

export type BatchState = 'received' | 'processing' | 'applied';

export interface BatchStatus {
  batch_id: string;
  state: BatchState;
  results: OperationResult[];
  server_time: string;
}

export interface BatchReceipt {
  batch_id: string;
  state: 'received';
  received: number;
}

export interface ErrorBody {
  detail: string;
  error_code: string;
  timestamp: string;
  issues?: { path: string; message: string }[];
}

export type EventType =
  | 'session_update'
  | 'item_update'
  | 'count_complete'
  | 'user_activity'
  | 'system_alert';
export type EventAction = 'create' | 'update' | 'delete' | 'complete';

/** The seed's RealTimeEvent. `id` is `<epoch>-<offset>` and is there once it was published. */
export interface RealTimeEvent {
  type: EventType;
  payload: {
    entity_id: string;
    entity_type: 'session' | 'item' | 'user' | 'system';
    action: EventAction;
    data: Record<string, unknown>;
    actor: { user_id: string; username: string; role: Role | 'system' };
  };
  timestamp: string;
  target_roles: Role[];
}

export type PublishedEvent = RealTimeEvent & { id: string };
