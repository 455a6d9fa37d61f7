import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { inTime } from '../runtime/in-time.ts';
import type { Service } from '../runtime/service.ts';
import { JOBS, type JobPayload, QUEUES, type QueueName } from './definitions.ts';

export interface Producer extends Service {
  /** Puts a job into its queue. Rejects while Redis is away: nothing is lost, a sweep rings again. */
  ring(payload: JobPayload): Promise<void>;
  /** Rings `end-due-locks` at that time. Never rejects: the sweep is its net. */
  ringAt(at: Date): Promise<void>;
  /** Rings for something whose earlier ring may be lost, also when Redis kept only half of it. */
  ringAgain(payload: JobPayload): Promise<void>;
  queue(name: QueueName): Queue;
}

/** Expiries within this are ended by one job, so that many locks do not mean as many jobs. */
const EXPIRY_BUCKET_MS = 25;

/** Closing takes milliseconds, or for ever while Redis is away. */
const CLOSE_MS = 1_000;

const KEPT_FAILURES = { count: 1_000, age: 7 * 86_400 };

/** Rings the queues through one connection that fails fast. */
export function createProducer(options: { redis: Redis; prefix: string }): Producer {
  const queues = new Map<QueueName, Queue>();
  const queue = (name: QueueName): Queue => {
    const found = queues.get(name);
    if (!found) throw new Error('the producer was not started');
    return found;
  };
  const add = async (payload: JobPayload, extra: JobsOptions): Promise<void> => {
    const definition = JOBS[payload.type];
    await queue(definition.queue).add(payload.type, payload, {
      attempts: definition.attempts,
      backoff: { type: 'exponential', delay: definition.backoffMs, jitter: 0.5 },
      removeOnComplete: true,
      removeOnFail: KEPT_FAILURES,
      ...extra,
    });
  };
  const addOnce = (payload: JobPayload): Promise<void> =>
    add(payload, { deduplication: deduplication(payload) });
  const addAnew = async (payload: JobPayload): Promise<void> => {
    await forgetLostJob(queue(JOBS[payload.type].queue), deduplication(payload).id);
    await addOnce(payload);
  };
  return {
    name: 'producer',
    start: async () => {
      if (options.redis.status === 'wait') await options.redis.connect();
      for (const name of QUEUES) {
        const created = new Queue(name, { connection: options.redis, prefix: options.prefix });
        created.on('error', () => {});
        queues.set(name, created);
      }
    },
    stop: async () => {
      await inTime(Promise.all([...queues.values()].map((each) => each.close())), CLOSE_MS).catch(() => {});
      queues.clear();
      options.redis.disconnect();
    },
    queue,
    // The scheduler rings for a lost fire as it rang for it first, and rarely for any.
    ring: (payload) => (payload.type === 'roll-up-variance' ? addAnew(payload) : addOnce(payload)),
    ringAt: async (at) => {
      const bucket = Math.ceil(at.getTime() / EXPIRY_BUCKET_MS);
      const delay = Math.max(0, bucket * EXPIRY_BUCKET_MS - Date.now());
      await add({ v: 1, type: 'end-due-locks' }, { delay, deduplication: { id: `expiry-${bucket}` } }).catch(
        () => {},
      );
    },
    ringAgain: addAnew,
  };
}

/**
 * One job per thing waits and one may run: a ring while it runs is kept and runs after it. Without a job id
 * of our own, because a kept failed job of that id would swallow every later ring.
 */
function deduplication(payload: JobPayload): NonNullable<JobsOptions['deduplication']> {
  switch (payload.type) {
    case 'process-sync-batch':
      return { id: payload.device_id, keepLastIfActive: true };
    case 'end-due-locks':
    case 'requeue-stranded-batches':
      return { id: payload.type, keepLastIfActive: true };
    case 'roll-up-variance':
      return { id: `${payload.type}-${payload.scheduled_for}` };
    case 'backfill-variance':
      return { id: `${payload.type}-${payload.run_id}` };
    default:
      return payload satisfies never;
  }
}

// A Redis that lost the job but kept its deduplication key would drop every later ring for the same thing.
async function forgetLostJob(queue: Queue, deduplicationId: string): Promise<void> {
  const jobId = await queue.getDeduplicationJobId(deduplicationId);
  if (jobId === null) return;
  const job = await queue.getJob(jobId);
  const state = job ? await job.getState() : 'unknown';
  if (state === 'unknown') await queue.removeDeduplicationKey(deduplicationId);
}
