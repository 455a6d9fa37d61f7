/** What is known of a device. Its `received_seq` numbers its batches in the order received (S4). */
export interface Device {
  _id: string;
  received_seq: number;
  last_user: string;
  last_seen_at: Date;
  queue_remaining: number | null;
  /** Server clock minus device clock at the last upload. */
  clock_skew_ms: number;
}
