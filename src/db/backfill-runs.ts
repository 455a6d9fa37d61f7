import type { PeriodType } from '../contract/schemas/variance-analytics.ts';

/** One backfill with its progress; a resumed one goes on after `periods_done`. */
export interface BackfillRun {
  _id: string;
  from: string;
  to: string;
  period_types: PeriodType[];
  reprocess: 'missing' | 'stale' | 'all';
  state: 'running' | 'done' | 'failed';
  requested_by: string;
  periods_total: number;
  periods_done: number;
  started_at: Date;
  updated_at: Date;
  finished_at?: Date;
  error?: string;
}
