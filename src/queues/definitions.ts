import { z } from 'zod';

/**
 * The queues and what their jobs carry: ids only, with a payload version, because Redis is a doorbell and
 * may be lost. Names contain no `:` (BullMQ refuses it).
 */
export const QUEUES = ['sync', 'locks', 'analytics', 'maintenance'] as const;
export type QueueName = (typeof QUEUES)[number];

const version = z.literal(1);
const fire = { scheduled_for: z.iso.datetime(), backfilled: z.boolean() };

/** Checked when a job is taken: another build may have written it. */
export const jobPayload = z.discriminatedUnion('type', [
  z.object({ v: version, type: z.literal('process-sync-batch'), device_id: z.string() }),
  z.object({ v: version, type: z.literal('end-due-locks') }),
  z.object({ v: version, type: z.literal('roll-up-variance'), ...fire }),
  z.object({ v: version, type: z.literal('backfill-variance'), run_id: z.string() }),
  z.object({ v: version, type: z.literal('requeue-stranded-batches') }),
]);

export type JobPayload = z.infer<typeof jobPayload>;
export type JobType = JobPayload['type'];

/** The payload of one job type. */
export type PayloadOf<T extends JobType> = Extract<JobPayload, { type: T }>;

export interface JobDefinition {
  queue: QueueName;
  /** How often a failing job is tried before it is set aside. */
  attempts: number;
  /** First pause before a retry; doubles, with jitter. */
  backoffMs: number;
}

/** Where each job runs and how patient it is. */
export const JOBS: Record<JobType, JobDefinition> = {
  // 0.2, 0.4, … 25.6 s, about a minute in all; then the sweep rings again.
  'process-sync-batch': { queue: 'sync', attempts: 9, backoffMs: 200 },
  // The next sweep comes within 5 s anyway.
  'end-due-locks': { queue: 'locks', attempts: 1, backoffMs: 0 },
  'roll-up-variance': { queue: 'analytics', attempts: 6, backoffMs: 2_000 },
  'backfill-variance': { queue: 'analytics', attempts: 6, backoffMs: 2_000 },
  'requeue-stranded-batches': { queue: 'maintenance', attempts: 1, backoffMs: 0 },
};
