import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { text } from '../../contract/schemas/fields.ts';
import type { Database } from '../../db/database.ts';
import { listRuns, type ScheduleRun } from '../../db/schedule-runs.ts';
import { readScheduleState, setPaused } from '../../db/schedule-states.ts';
import { readServerTime } from '../../db/server-time.ts';
import { nextDue } from '../../domain/schedules/due-times.ts';
import type { Schedule } from '../../domain/schedules/plan-fires.ts';
import type { Authenticate } from '../authenticate.ts';
import { ApiError } from '../errors.ts';

export interface ScheduleRouteDependencies {
  database: Database;
  authenticate: Authenticate;
  schedules: readonly Schedule[];
  /** Fires a schedule now; its job follows. */
  trigger: (name: string) => Promise<unknown>;
}

const SHOWN_RUNS = 10;

const runToWire = (run: ScheduleRun) => ({
  scheduled_for: run.scheduled_for.toISOString(),
  backfilled: run.backfilled,
  state: run.state,
  host: run.host,
  started_at: run.started_at?.toISOString(),
  finished_at: run.finished_at?.toISOString(),
  outcome: run.outcome,
});

/** What runs by the clock, for admins: its last runs, its next time, and the switches (contract 4). */
export async function scheduleRoutes(
  server: FastifyInstance,
  dependencies: ScheduleRouteDependencies,
): Promise<void> {
  const { database, authenticate, schedules, trigger } = dependencies;
  const app = server.withTypeProvider<ZodTypeProvider>();
  const onRequest = authenticate('admin');
  const tags = ['admin'];

  const show = async (schedule: Schedule) => {
    const now = await readServerTime(database);
    const state = await readScheduleState(database, schedule.name, now);
    const runs = await listRuns(database, schedule.name, SHOWN_RUNS);
    return {
      name: schedule.name,
      cron: schedule.cron.text,
      timezone: schedule.zone,
      missed: schedule.missed,
      paused: state.paused,
      settled_until: state.settled_until.toISOString(),
      next_at: state.paused ? undefined : nextDue(schedule, now)?.toISOString(),
      runs: runs.map(runToWire),
    };
  };

  app.get(
    '/api/admin/schedules',
    { onRequest, schema: { summary: 'What runs by the clock', tags } },
    async () => ({ schedules: await Promise.all(schedules.map(show)), total: schedules.length }),
  );

  app.post(
    '/api/admin/schedules/:name/:action',
    {
      onRequest,
      schema: {
        summary: 'Trigger, pause or resume a schedule',
        tags,
        params: z.object({ name: text(1, 100), action: z.enum(['trigger', 'pause', 'resume']) }),
      },
    },
    async (request) => {
      const { name, action } = request.params;
      const schedule = schedules.find((each) => each.name === name);
      if (!schedule) throw new ApiError('not_found');
      if (action === 'trigger') await trigger(name);
      else {
        await readScheduleState(database, name, await readServerTime(database));
        await setPaused(database, name, action === 'pause');
      }
      return show(schedule);
    },
  );
}
