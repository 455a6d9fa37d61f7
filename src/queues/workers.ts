import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { inTime } from '../runtime/in-time.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import {
  type JobPayload,
  type JobType,
  jobPayload,
  type PayloadOf,
  QUEUES,
  type QueueName,
} from './definitions.ts';
import { workerConnection } from './redis-connections.ts';

/** `stopping` is aborted when the process is asked to stop: long work ends at its next safe point. */
export type JobHandlers = {
  [T in JobType]: (payload: PayloadOf<T>, stopping: AbortSignal) => Promise<void>;
};

export interface WorkerDependencies {
  redisUrl: string;
  prefix: string;
  handlers: JobHandlers;
  /** Aborted when the process is asked to stop; running handlers see it at once. */
  stopping: AbortSignal;
  logger: Logger;
  /** Called once for a job that failed for good. */
  onSetAside: (job: {
    id: string;
    queue: QueueName;
    attempts: number;
    payload: unknown;
    reason: string;
    /** It was not thrown: the processes that began it died. */
    died: boolean;
  }) => void;
  /** A job whose process died is taken up again after once to one and a half times this; default 10 s. */
  lockMs?: number;
}

/** Jobs of one queue that run side by side in a process. */
const CONCURRENCY: Record<QueueName, number> = { sync: 8, locks: 1, analytics: 1, maintenance: 1 };

// A job whose process died is taken up again after 10 to 15 s instead of BullMQ's minute.
const LOCK_MS = 10_000;

/**
 * Deaths that a job survives. Poisoned work of the first two queues is told by marks in MongoDB; a stall alone
 * must not lose a ring. A job of a sweep has no marks: its third death sets it aside (jobs/guard-sweeps.ts).
 */
const MAX_STALLED: Record<QueueName, number> = { sync: 20, analytics: 20, locks: 2, maintenance: 2 };
const MAX_STARTED = 20;

/** What running jobs get to finish; BullMQ itself would wait for ever. The whole stop has 25 s. */
const FINISH_MS = 15_000;
/** `close()` never ends while Redis is away: jobs get a moment, then their connections are cut. */
const FINISH_WITHOUT_REDIS_MS = 3_000;

/** Takes jobs from every queue and runs their handlers. */
export function createWorkers(dependencies: WorkerDependencies): Service {
  const { redisUrl, prefix, logger, stopping, lockMs = LOCK_MS } = dependencies;
  const workers: { worker: Worker; connection: ReturnType<typeof workerConnection> }[] = [];
  const start = async (): Promise<void> => {
    for (const name of QUEUES) {
      const connection = workerConnection(redisUrl);
      const worker = new Worker(name, (job) => run(dependencies, job, stopping), {
        connection,
        prefix,
        concurrency: CONCURRENCY[name],
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: MAX_STALLED[name],
        maxStartedAttempts: MAX_STARTED,
      });
      worker.on('error', (error) => logger.debug({ err: error, queue: name }, 'worker connection'));
      worker.on('failed', (job, error) => noteFailure(dependencies, name, job, error));
      workers.push({ worker, connection });
      await worker.waitUntilReady();
    }
  };
  return {
    name: 'workers',
    start,
    stop: async () => {
      await Promise.all(
        workers.map(async ({ worker, connection }) => {
          const limitMs = connection.status === 'ready' ? FINISH_MS : FINISH_WITHOUT_REDIS_MS;
          await inTime(worker.close(), limitMs).catch(() =>
            logger.warn({ queue: worker.name }, 'a job did not end in time; it will run again'),
          );
          connection.disconnect();
        }),
      );
    },
  };
}

async function run(dependencies: WorkerDependencies, job: Job, stopping: AbortSignal): Promise<void> {
  const parsed = jobPayload.safeParse(job.data);
  if (!parsed.success) throw new UnrecoverableError('the payload is not one this build knows');
  const startedAt = performance.now();
  await dispatch(dependencies.handlers, parsed.data, stopping);
  dependencies.logger.debug(
    { job_id: job.id, type: job.name, duration_ms: Math.round(performance.now() - startedAt) },
    'job done',
  );
}

function dispatch(handlers: JobHandlers, payload: JobPayload, stopping: AbortSignal): Promise<void> {
  switch (payload.type) {
    case 'process-sync-batch':
      return handlers[payload.type](payload, stopping);
    case 'end-due-locks':
      return handlers[payload.type](payload, stopping);
    case 'roll-up-variance':
      return handlers[payload.type](payload, stopping);
    case 'backfill-variance':
      return handlers[payload.type](payload, stopping);
    case 'requeue-stranded-batches':
      return handlers[payload.type](payload, stopping);
    default:
      return payload satisfies never;
  }
}

function noteFailure(
  dependencies: WorkerDependencies,
  queue: QueueName,
  job: Job | undefined,
  error: Error,
): void {
  const attempts = job?.attemptsMade ?? 0;
  const final =
    job === undefined || error instanceof UnrecoverableError || attempts >= (job.opts.attempts ?? 1);
  dependencies.logger[final ? 'error' : 'warn'](
    { err: error, queue, job_id: job?.id, type: job?.name, attempts },
    final ? 'job failed for good' : 'job failed, it will be tried again',
  );
  if (final && job?.id !== undefined) {
    const died = job.deferredFailure !== undefined;
    dependencies.onSetAside({ id: job.id, queue, attempts, payload: job.data, reason: error.message, died });
  }
}
