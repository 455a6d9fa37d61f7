// npm run backfill: recomputes variance analytics for a range of days.
import { SingleBar } from 'cli-progress';
import { type BackfillRequest, registerBackfill } from '../src/db/backfill-runs.ts';
import type { Period } from '../src/domain/variance/periods.ts';
import {
  type BackfillOptions,
  backfillVariance,
  planBackfill,
  SettingsChanged,
} from '../src/jobs/backfill-variance.ts';
import {
  type Analytics,
  checkDates,
  completeRange,
  parsePeriodTypes,
  withAnalytics,
} from './analytics-arguments.ts';
import { runScript, UsageError } from './cli.ts';

const USAGE = `
Recomputes variance analytics from the count lines. Goes on where a killed run of the same range was.

  npm run backfill -- [--from YYYY-MM-DD] [--to YYYY-MM-DD] [options]

  --from, --to      local dates, both inclusive; without them from the first count, until today
  --period          of daily,weekly,monthly (default all three)
  --reprocess       missing | stale | all (default stale: missing, dirty, ended provisional, other formula)
  --dry-run         only list the periods
  --concurrency     periods at a time, 1 to 8 (default 2)
  --newest-first    the latest periods first
`;

type Reprocess = 'missing' | 'stale' | 'all';

await runScript({
  name: 'npm run backfill --',
  usage: USAGE,
  options: {
    from: { type: 'string' },
    to: { type: 'string' },
    period: { type: 'string' },
    reprocess: { type: 'string', default: 'stale' },
    'dry-run': { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '2' },
    'newest-first': { type: 'boolean', default: false },
  },
  run: async (flags) => {
    checkDates(flags as { from?: string; to?: string });
    const wish = {
      period_types: parsePeriodTypes(flags.period),
      reprocess: parseReprocess(flags.reprocess),
      newest_first: flags['newest-first'],
      requested_by: 'system',
    };
    const concurrency = parseConcurrency(flags.concurrency);
    await withAnalytics(async (analytics) => {
      const { timezone, tolerancePercent: tolerance_percent } = analytics.settings;
      const range = await completeRange(analytics, { from: flags.from, to: flags.to });
      const request = { ...wish, ...range, timezone, tolerance_percent };
      try {
        if (flags['dry-run']) await list(analytics, request);
        else await work(analytics, request, concurrency);
      } catch (error) {
        if (error instanceof SettingsChanged) throw new UsageError(error.message);
        throw error;
      }
    });
    return 0;
  },
});

async function list({ database, settings }: Analytics, wish: BackfillRequest): Promise<void> {
  const { plan } = await planBackfill(database, settings, wish);
  const periods = wish.newest_first ? plan.recompute.toReversed() : plan.recompute;
  for (const period of periods) console.log(lineOf(period, 'would be recomputed'));
  console.log(`${periods.length} periods, nothing written`);
}

async function work(analytics: Analytics, wish: BackfillRequest, concurrency: number): Promise<void> {
  const run = await registerBackfill(analytics.database, wish);
  const totals = await backfillVariance({ ...analytics, notifyOutbox: () => {} }, run._id, {
    concurrency,
    ...(process.stdout.isTTY ? progressBar() : progressLines()),
  });
  if (!totals) {
    console.log('another process has just finished this backfill');
    return;
  }
  const { written, unchanged, removed, absent } = totals;
  console.log(`${written} written, ${unchanged} unchanged, ${removed} removed, ${absent} without counts`);
}

function progressBar(): BackfillOptions {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} periods, {eta_formatted} left   {period}',
    clearOnComplete: true,
  });
  return {
    onStart: ({ done, total }) => bar.start(total, done, { period: '' }),
    onPeriod: (period, _result, { done, total }) => {
      bar.update(done, { period: `${period.type} ${period.first_day}` });
      if (done === total) bar.stop();
    },
  };
}

function progressLines(): BackfillOptions {
  return {
    onStart: ({ done, total }) => console.log(`${total} periods${done > 0 ? `, ${done} done before` : ''}`),
    onPeriod: (period, result) => console.log(lineOf(period, result.outcome)),
  };
}

function lineOf(period: Period, what: string): string {
  return `${period.type.padEnd(8)} ${period.first_day}  ${what}`;
}

function parseReprocess(text: string): Reprocess {
  if (text === 'missing' || text === 'stale' || text === 'all') return text;
  throw new UsageError(`--reprocess knows missing, stale and all, not '${text}'`);
}

function parseConcurrency(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 8) return value;
  throw new UsageError('--concurrency must be a whole number from 1 to 8');
}
