/** A role that one process holds at a time, such as the outbox publisher. */
export interface Lease {
  _id: string;
  holder: string;
  /** Grows with every change of holder; a holder writes only while its fence is the current one. */
  fence: number;
  expires_at: Date;
}
