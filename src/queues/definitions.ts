/**
 * The queues and what their jobs carry: ids only, with a payload version, because Redis is a doorbell and
 * may be lost. Names contain no `:` (BullMQ refuses it).
 */
export const QUEUES = {
  sync: 'sync',
  locks: 'locks',
  analytics: 'analytics',
  maintenance: 'maintenance',
} as const;

export type QueueName = keyof typeof QUEUES;

export type JobPayload =
  | { v: 1; type: 'process-sync-batch'; device_id: string }
  | { v: 1; type: 'end-due-locks' }
  | { v: 1; type: 'roll-up-variance'; scheduled_for: string; backfilled: boolean }
  | { v: 1; type: 'backfill-variance'; run_id: string }
  | { v: 1; type: 'requeue-stranded-batches'; scheduled_for: string; backfilled: boolean };

export type JobType = JobPayload['type'];

/** Which queue carries which job. */
export const QUEUE_OF: Record<JobType, QueueName> = {
  'process-sync-batch': 'sync',
  'end-due-locks': 'locks',
  'roll-up-variance': 'analytics',
  'backfill-variance': 'analytics',
  'requeue-stranded-batches': 'maintenance',
};

/** The payload of one job type. */
export type PayloadOf<T extends JobType> = Extract<JobPayload, { type: T }>;
