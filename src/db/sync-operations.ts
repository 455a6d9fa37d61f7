import type { Binary } from 'mongodb';
import type { OperationResult } from '../contract/wire-types.ts';

/**
 * The ledger: one row per operation that got its verdict, for ever. `_id` is the first 16 bytes of
 * SHA-256 over device, epoch and id; `content` the same over the canonical content.
 */
export interface SyncOperation {
  _id: Binary;
  content: Binary;
  verdict: 'applied' | 'conflict' | 'rejected';
  code?: NonNullable<OperationResult['code']>;
  message?: string;
  conflict_id?: string;
  at: Date;
}
