import type { Database } from '../db/database.ts';
import { beginCarefully, doMarked, ENDED_ITS_PROCESS, endCarefully } from '../db/dead-letters/caution.ts';
import { type DeadJob, recordDeadJob } from '../db/dead-letters.ts';
import { JOBS, type JobType, type QueueName } from '../queues/definitions.ts';

/** A job that a sweep rings again and again, and that has no work of its own. */
export type SweptJob = Extract<JobType, 'end-due-locks' | 'requeue-stranded-batches'>;

/** Passed to the work while it has to go on piece by piece. */
export interface Careful {
  /** What ended its process before. */
  leftOut: readonly string[];
  /** Does one piece, which is left out from then on should it end the process. */
  piece<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export interface SweepGuard {
  /** Runs the work: as ever, or carefully while a dead letter of this job waits, or not at all (db/dead-letters/caution.ts). */
  run(type: SweptJob, work: (careful: Careful | undefined) => Promise<void>): Promise<void>;
  /**
   * Writes the letter of a job that failed for good. Of a swept job there is one, and only when its processes
   * died: what its handler throws is made up for by the next ring, and only other work needs a person.
   */
  setAside(job: FailedJob): Promise<void>;
}

export interface FailedJob extends DeadJob {
  queue: QueueName;
  /** It was not thrown: the processes that began it died. */
  died: boolean;
}

/** Keeps a sweep that ends its process from doing so for ever (invariant E3). */
export function guardSweeps({ database }: { database: Database }): SweepGuard {
  let settingAside: Promise<void> = Promise.resolve();
  return {
    run: async (type, work) => {
      // The queue gives out the next job at once, before the letter of this one is written.
      await settingAside;
      const letterId = letterOf(type);
      const caution = await beginCarefully(database, letterId);
      if (caution.state === 'resting') return;
      if (caution.state === 'clear') return work(undefined);
      try {
        await work({
          leftOut: caution.leftOut,
          piece: (name, step) => doMarked(database, { letterId, name }, step),
        });
      } finally {
        await endCarefully(database, letterId).catch(() => {});
      }
    },
    setAside: async (job) => {
      const letter = letterFor(job);
      if (!letter) return;
      const written = recordDeadJob(database, letter);
      settingAside = written.catch(() => {});
      await written;
    },
  };
}

const letterOf = (type: SweptJob): string => `${JOBS[type].queue}/${type}`;

function letterFor(job: FailedJob): DeadJob | undefined {
  switch (job.queue) {
    // Its batch still waits, and tells its deaths by its own marks.
    case 'sync':
      return undefined;
    case 'locks':
      return job.died ? letterForSwept('end-due-locks') : undefined;
    case 'maintenance':
      return job.died ? letterForSwept('requeue-stranded-batches') : undefined;
    case 'analytics':
      return job;
    default:
      return job.queue satisfies never;
  }
}

const letterForSwept = (type: SweptJob): DeadJob => ({
  id: type,
  queue: JOBS[type].queue,
  attempts: 3,
  payload: { v: 1, type },
  reason: ENDED_ITS_PROCESS,
});
