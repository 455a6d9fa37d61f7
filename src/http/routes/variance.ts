import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isoDate, text } from '../../contract/schemas/fields.ts';
import {
  type PeriodType,
  periodType,
  type VarianceAnalytics,
} from '../../contract/schemas/variance-analytics.ts';
import { readServerTime } from '../../db/server-time.ts';
import { listDocuments } from '../../db/variance/documents.ts';
import { summarizeItems } from '../../db/variance/item-totals.ts';
import { toNumber } from '../../domain/decimal.ts';
import { MAX_RANGE_DAYS, rangeProblem } from '../../domain/variance/date-range.ts';
import { decodeMap } from '../../domain/variance/map-keys.ts';
import { percentWithout } from '../../domain/variance/percent.ts';
import { addDays, type DateRange, localDay, periodOfDay } from '../../domain/variance/periods.ts';
import { trendOf } from '../../domain/variance/trend.ts';
import { ApiError } from '../errors.ts';
import type { AnalyticsRouteDependencies } from './analytics.ts';

export type TypedApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Longest filtered summary, in days (contract 4): it is computed from the lines at each request. */
const MAX_FILTERED_DAYS = 92;

const DAYS_OF = { '7d': 7, '30d': 30, '90d': 90, '1y': 365 } as const;
const TYPE_OF = { day: 'daily', week: 'weekly', month: 'monthly' } as const satisfies Record<
  string,
  PeriodType
>;

/** Stored documents by range, the figures of any range from its lines, and trends. */
export function varianceRoutes(app: TypedApp, deps: AnalyticsRouteDependencies): void {
  const { database, timezone } = deps;
  const onRequest = deps.authenticate('supervisor');
  const tags = ['analytics'];

  const listQuery = z.object({ period_type: periodType.default('daily'), from: isoDate, to: isoDate });
  app.get(
    '/api/analytics/variance',
    {
      onRequest,
      schema: { tags, querystring: listQuery, summary: 'Variance documents of a range, oldest first' },
    },
    async ({ query }) => {
      const range = checkRange(query, { from: 'from', to: 'to' });
      const documents = await listDocuments(database, {
        type: query.period_type,
        ...spanOf(range, timezone),
        timezone,
      });
      return { items: documents.map(toWire) };
    },
  );

  const summaryQuery = z.object({
    start_date: isoDate.optional(),
    end_date: isoDate.optional(),
    category: text(1, 100).optional(),
    session_id: text(1, 100).optional(),
  });
  app.get(
    '/api/analytics/variance/summary',
    { onRequest, schema: { tags, querystring: summaryQuery, summary: 'Figures of a range, from the lines' } },
    async ({ query }) => {
      const { start_date, end_date, category, session_id } = query;
      const filtered = category !== undefined || session_id !== undefined;
      const range = summaryRange(query, filtered ? MAX_FILTERED_DAYS : MAX_RANGE_DAYS);
      const span = range && spanOf(range, timezone);
      const totals = await summarizeItems(database, { span, session_id, category });
      return {
        total_items_counted: totals.counted,
        items_with_variance: totals.varies,
        items_matching: totals.counted - totals.varies,
        accuracy_rate: percentWithout(totals.varies, totals.counted),
        total_variance_value: toNumber(totals.value),
        positive_variance: { count: totals.positive.count, value: toNumber(totals.positive.value) },
        negative_variance: { count: totals.negative.count, value: toNumber(totals.negative.value) },
        period: { start_date: start_date ?? null, end_date: end_date ?? null },
      };
    },
  );

  const trendsQuery = z.object({
    period: z.enum(['7d', '30d', '90d', '1y']).default('30d'),
    granularity: z.enum(['day', 'week', 'month']).default('day'),
  });
  app.get(
    '/api/analytics/variance/trends',
    { onRequest, schema: { tags, querystring: trendsQuery, summary: 'Accuracy over time, up to today' } },
    async ({ query: { period, granularity } }) => {
      const today = localDay(await readServerTime(database), timezone);
      const range = { from: addDays(today, 1 - DAYS_OF[period]), to: today };
      const type = TYPE_OF[granularity];
      const documents = await listDocuments(database, { type, ...spanOf(range, timezone), timezone });
      return {
        period,
        granularity,
        data_points: documents.map((document) => ({
          date: localDay(document.period_start, timezone),
          accuracy_rate: document.accuracy_score,
          variance_value: document.net_variance_value,
          items_counted: document.total_items_counted,
          items_with_variance: document.items_with_variance,
          provisional: document.provisional,
        })),
        summary: trendOf(documents),
      };
    },
  );
}

/** The range, or a 400 that names the parameters as the caller wrote them. */
export function checkRange(
  range: DateRange,
  names: { from: string; to: string },
  maxDays: number = MAX_RANGE_DAYS,
): DateRange {
  const problem = rangeProblem(range, names, maxDays);
  if (problem === undefined) return range;
  throw new ApiError('invalid_request', problem, { issues: [{ path: names.from, message: problem }] });
}

/** A session alone is a range of its own; anything else needs both dates. */
function summaryRange(
  query: { start_date?: string | undefined; end_date?: string | undefined; session_id?: string | undefined },
  maxDays: number,
): DateRange | undefined {
  const { start_date: from, end_date: to } = query;
  if (from !== undefined && to !== undefined) {
    return checkRange({ from, to }, { from: 'start_date', to: 'end_date' }, maxDays);
  }
  if (query.session_id !== undefined && from === undefined && to === undefined) return undefined;
  const path = from === undefined ? 'start_date' : 'end_date';
  throw new ApiError('invalid_request', undefined, { issues: [{ path, message: 'is missing' }] });
}

/** The instants of a range of local dates, the end exclusive. */
const spanOf = ({ from, to }: DateRange, timezone: string): { start: Date; end: Date } => ({
  start: periodOfDay('daily', from, timezone).start,
  end: periodOfDay('daily', to, timezone).end,
});

const toWire = (document: VarianceAnalytics) => ({
  ...document,
  variance_by_category: decodeMap(document.variance_by_category),
  variance_by_reason: decodeMap(document.variance_by_reason),
});
