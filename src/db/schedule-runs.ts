/** One fire of one schedule; unique on schedule and time, so that one replica runs it (invariant A6). */
export interface ScheduleRun {
  schedule: string;
  scheduled_for: Date;
  backfilled: boolean;
  state: 'claimed' | 'running' | 'done' | 'failed' | 'skipped';
  claimed_at: Date;
  host: string;
  started_at?: Date;
  finished_at?: Date;
  outcome?: string;
}
