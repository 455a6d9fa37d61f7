import type { OperationResult } from '../contract/wire-types.ts';
export interface SyncBatch {
  _id: string;
  results: OperationResult[];
}
