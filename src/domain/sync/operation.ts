import type { SessionType } from '../../contract/wire-types.ts';

export interface SessionStart {
  operation: 'session_start';
  session_id: string;
  warehouse: string;
  type: SessionType;
  started_at: Date;
  notes: string | null;
}

export interface CountUpdate {
  operation: 'count_update';
  session_id: string;
  item_code: string;
  location: string;
  counted_qty: number;
  counted_at: Date;
  base_version: number;
  erp_qty: number | null;
  unit_value: number | null;
  category: string | null;
  variance_reason: string | null;
  note: string | null;
}

export interface SessionComplete {
  operation: 'session_complete';
  session_id: string;
  completed_at: Date;
  notes: string | null;
}

/** An operation whose form was found right; what it does is decided against the server's state. */
export type Operation = SessionStart | CountUpdate | SessionComplete;

/** Why an operation can never apply, found without looking at the server's state. */
export interface Rejection {
  code: 'invalid_payload' | 'unknown_operation';
  message: string;
}

export type ReadOperation =
  | { id: number; content: string; operation: Operation }
  | { id: number; content: string; rejection: Rejection };
