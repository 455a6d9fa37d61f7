/** What an administrator set for a schedule. */
export interface ScheduleState {
  _id: string;
  paused: boolean;
  /** Fires at or before this time are settled: run, or not to be caught up. */
  settled_until: Date;
}
