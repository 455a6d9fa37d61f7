// What the devices sent and were told, and what people asked for and were answered: the checker's other side.

export type OperationName = 'session_start' | 'count_update' | 'session_complete';

/** One operation as a device made it. */
export interface SentOperation {
  /** `device/epoch/id`, with a tick when the id was used before for other content. */
  key: string;
  device_id: string;
  queue_epoch: string;
  id: number;
  user: string;
  operation: OperationName;
  session_id: string;
  payload: Record<string, unknown>;
  created_at: number;
  /** Only of counts. */
  count?: { item_code: string; location: string; counted_qty: number; base_version: number; at: number };
  /** Its payload breaks the contract: `rejected` is its only right verdict. */
  broken?: boolean;
  /** Other content under a used id: `operation_id_reused` is its only right verdict. */
  reused?: boolean;
}

export interface ToldResult {
  id: number;
  verdict: 'applied' | 'duplicate' | 'conflict' | 'rejected' | 'retry';
  code?: string;
  conflict_id?: string;
  resolution?: string;
  server?: { version?: number; counted_qty?: number; counted_by?: string; counted_at?: string };
}

export interface Told {
  at: number;
  state: 'received' | 'processing' | 'applied';
  results: ToldResult[];
}

/** One delivery: the batch's operations in order, and everything that was told about it. */
export interface SentBatch {
  batch_id: string;
  device_id: string;
  queue_epoch: string;
  operations: SentOperation[];
  firstSentAt: number;
  /** When its first 200, 202 or 207 came. */
  acknowledgedAt?: number;
  told: Told[];
}

/** What a person asked for; `status` 0 when no answer came, so that it may have happened or not. */
export interface Request {
  act: 'resolve' | 'take' | 'claim' | 'renew' | 'release' | 'force';
  user: string;
  item_code: string;
  conflict_id?: string;
  resolution?: string;
  /** The fence that was sent. */
  fence?: number;
  /** Sent after the sender's lock was seen to be followed by a newer one: `lock_lost` is the only right answer. */
  isLate?: boolean;
  sentAt: number;
  answeredAt: number;
  status: number;
  error_code?: string;
  lock?: ToldLock;
  /** The line's version in the answer to a resolution. */
  version?: number;
}

export interface ToldLock {
  lock_id: string;
  item_code: string;
  locked_by: string;
  fence: number;
}

export interface Journal {
  batches: Map<string, SentBatch>;
  requests: Request[];
  /** Answers that no rule foresees, such as a 500. */
  surprises: string[];
}

export const emptyJournal = (): Journal => ({ batches: new Map(), requests: [], surprises: [] });

/** Notes what was told of a batch, unless it is what was told last. */
export function noteTold(batch: SentBatch, told: Omit<Told, 'at'>): void {
  const last = batch.told.at(-1);
  const same = last?.state === told.state && JSON.stringify(last.results) === JSON.stringify(told.results);
  if (!same) batch.told.push({ at: Date.now(), ...told });
}
