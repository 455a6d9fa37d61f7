import type { ClientSession } from 'mongodb';
import { percentWithout } from '../../domain/variance/percent.ts';
import type { Database } from '../database.ts';
import { loadTotals } from './item-totals.ts';

/** The figures of a completed session (contract 6, `count_complete`); `accuracy_rate` in percent. */
export interface SessionSummary {
  total_items: number;
  items_with_variance: number;
  accuracy_rate: number;
}

/**
 * The figures of one session from its lines; inside a transaction when `session` is given, so that they
 * see its writes. A session without a counted item has an accuracy of 100.
 */
export async function summarizeSession(
  database: Database,
  sessionId: string,
  session?: ClientSession,
): Promise<SessionSummary> {
  const totals = await loadTotals(database, { kind: 'session', session_id: sessionId }, {}, session);
  return {
    total_items: totals.counted,
    items_with_variance: totals.varies,
    accuracy_rate: percentWithout(totals.varies, totals.counted),
  };
}
