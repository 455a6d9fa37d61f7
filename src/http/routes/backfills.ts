import { z } from 'zod';
import { isoDate } from '../../contract/schemas/fields.ts';
import { periodType } from '../../contract/schemas/variance-analytics.ts';
import { type BackfillRun, findRun, finishRun, registerBackfill } from '../../db/backfill-runs.ts';
import { findChangedSettings } from '../../db/variance/analytics-settings.ts';
import { PERIOD_TYPES } from '../../domain/variance/periods.ts';
import { ApiError } from '../errors.ts';
import type { AnalyticsRouteDependencies } from './analytics.ts';
import { checkRange, type TypedApp } from './variance.ts';

const wish = z.object({
  from: isoDate,
  to: isoDate,
  period_types: z.array(periodType).min(1).optional(),
  reprocess: z.enum(['missing', 'stale', 'all']).default('stale'),
  dry_run: z.boolean().default(false),
});

/** Starts backfills and tells how far they are. The work is a job's; these only register and look. */
export function backfillRoutes(app: TypedApp, deps: AnalyticsRouteDependencies): void {
  const { database, timezone, tolerancePercent } = deps;
  const onRequest = deps.authenticate('admin');
  const tags = ['analytics'];

  app.post(
    '/api/analytics/backfill',
    { onRequest, schema: { tags, body: wish, summary: 'Recompute variance analytics of a range' } },
    async ({ body, identity }, reply) => {
      const range = checkRange(body, { from: 'from', to: 'to' });
      const changedFrom = await findChangedSettings(database, { timezone, tolerancePercent });
      if (changedFrom && body.reprocess !== 'all') {
        const message = 'must be `all`: the zone or the tolerance changed since the last roll-up';
        throw new ApiError('invalid_request', undefined, { issues: [{ path: 'reprocess', message }] });
      }
      const types = new Set(body.period_types ?? PERIOD_TYPES);
      const run = await registerBackfill(database, {
        from: range.from,
        to: range.to,
        period_types: PERIOD_TYPES.filter((type) => types.has(type)),
        reprocess: body.reprocess,
        timezone,
        tolerance_percent: tolerancePercent,
        requested_by: identity.user_id,
        dry_run: body.dry_run,
      });
      await ring(run._id);
      return reply.code(202).send({ run_id: run._id });
    },
  );

  app.get(
    '/api/analytics/backfill/:run_id',
    {
      onRequest,
      schema: { tags, params: z.object({ run_id: z.string() }), summary: 'Progress of a backfill' },
    },
    async ({ params }) => {
      // Ours are UUIDs; anything longer is not worth a query.
      const run = params.run_id.length <= 36 ? await findRun(database, params.run_id) : undefined;
      if (!run) throw new ApiError('not_found');
      return toWire(run);
    },
  );

  async function ring(runId: string): Promise<void> {
    try {
      await deps.ring({ v: 1, type: 'backfill-variance', run_id: runId });
    } catch {
      // The caller is told to come again, so the sweep must not find this one.
      await finishRun(database, runId, 'the queue was away');
      throw new ApiError('unavailable', undefined, { retryAfterSeconds: 5 });
    }
  }
}

const toWire = (run: BackfillRun) => ({
  run_id: run._id,
  state: run.state,
  periods_total: run.periods_total,
  periods_done: run.periods_done,
  started_at: run.started_at,
  ...(run.finished_at ? { finished_at: run.finished_at } : {}),
  ...(run.error === undefined ? {} : { error: run.error }),
});
