/** The published `status` column. */
export type RowStatus = 'pending' | 'syncing' | 'synced' | 'failed' | 'conflict';

/**
 * What a row can be. `failed` is three things, and only one of them moves by itself:
 * `waiting` goes again after its backoff, `set_aside` when a person says so, `rejected` never.
 */
export type RowState = 'pending' | 'syncing' | 'synced' | 'waiting' | 'set_aside' | 'rejected' | 'conflict';

export type RowEvent =
  /** Taken for an upload. */
  | 'claimed'
  /** Handed back without a verdict: offline, 429, 5xx. */
  | 'released'
  /** Found at opening. */
  | 'reopened'
  /** The server's verdicts. */
  | 'applied'
  | 'duplicate'
  | 'conflicted'
  | 'rejected'
  /** A `retry` verdict with retries left, and the last one. */
  | 'retry_later'
  | 'retries_used'
  /** `operation_id_reused`: goes again under a new epoch. */
  | 'id_reused'
  /** Larger than the server takes, alone. */
  | 'too_large'
  | 'backoff_over'
  | 'retried_by_person'
  | 'resolved_by_person';

/** Refused: the row stays as it is. */
const no = null;

/**
 * Every cell is written out, so a new state or event does not compile until each of its cells was decided.
 * A conflict is asked about without being claimed, so its verdicts meet it where it is.
 */
// biome-ignore format: a table is read by its columns
export const ROW_TRANSITIONS: Record<RowEvent, Record<RowState, RowState | null>> = {
  claimed:            { pending: 'syncing', syncing: no,          synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  released:           { pending: no,        syncing: 'pending',   synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  reopened:           { pending: no,        syncing: 'pending',   synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  applied:            { pending: no,        syncing: 'synced',    synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: 'synced' },
  duplicate:          { pending: no,        syncing: 'synced',    synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: 'synced' },
  conflicted:         { pending: no,        syncing: 'conflict',  synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  rejected:           { pending: no,        syncing: 'rejected',  synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  retry_later:        { pending: no,        syncing: 'waiting',   synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  retries_used:       { pending: no,        syncing: 'set_aside', synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  id_reused:          { pending: no,        syncing: 'pending',   synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  too_large:          { pending: no,        syncing: 'set_aside', synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: no       },
  backoff_over:       { pending: no,        syncing: no,          synced: no, waiting: 'pending', set_aside: no,        rejected: no, conflict: no       },
  retried_by_person:  { pending: no,        syncing: no,          synced: no, waiting: 'pending', set_aside: 'pending', rejected: no, conflict: no       },
  resolved_by_person: { pending: no,        syncing: no,          synced: no, waiting: no,        set_aside: no,        rejected: no, conflict: 'synced' },
};

/** Where `event` takes a row, or null when it may not happen to it. */
export function nextState(state: RowState, event: RowEvent): RowState | null {
  return ROW_TRANSITIONS[event][state];
}

const STATUS_OF: Record<RowState, RowStatus> = {
  pending: 'pending',
  syncing: 'syncing',
  synced: 'synced',
  waiting: 'failed',
  set_aside: 'failed',
  rejected: 'failed',
  conflict: 'conflict',
};

/** The `status` column of a state. */
export function statusOf(state: RowState): RowStatus {
  return STATUS_OF[state];
}

/** The state of a stored row: its status, and for `failed` what became of it. */
export function stateOf(row: {
  status: RowStatus;
  verdict: string | null;
  retry_at: number | null;
}): RowState {
  if (row.status !== 'failed') return row.status;
  if (row.verdict === 'rejected') return 'rejected';
  return row.retry_at === null ? 'set_aside' : 'waiting';
}
