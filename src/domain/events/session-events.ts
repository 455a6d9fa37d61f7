import type { CountSession } from '../../contract/schemas/count-session.ts';
import type { RealTimeEvent } from '../../contract/wire-types.ts';
import { type Actor, DEFAULT_TARGETS } from './actor.ts';

type SessionFields = Pick<
  CountSession,
  'session_id' | 'warehouse' | 'status' | 'sync_status' | 'conflict_items' | 'type'
>;

/** A session was started, completed, or its sync state changed. */
export function sessionEvent(
  session: SessionFields,
  action: 'create' | 'update' | 'complete',
  actor: Actor,
  at: Date,
): RealTimeEvent {
  const { session_id, warehouse, type, status, sync_status, conflict_items } = session;
  // A count, not the list: it may name thousands of items, and each of their conflicts tells itself.
  const conflict_count = conflict_items.length;
  return {
    type: 'session_update',
    payload: {
      entity_id: session_id,
      entity_type: 'session',
      action,
      data: { session_id, warehouse, type, status, sync_status, conflict_count },
      actor,
    },
    timestamp: at.toISOString(),
    target_roles: [...DEFAULT_TARGETS],
  };
}

export interface CompletionFigures {
  session_id: string;
  total_items: number;
  items_with_variance: number;
  /** Percent. */
  accuracy_rate: number;
  completed_by: string;
  completed_at: string;
}

/** A session was completed: its figures. */
export const countCompleteEvent = (figures: CompletionFigures, actor: Actor, at: Date): RealTimeEvent => ({
  type: 'count_complete',
  payload: {
    entity_id: figures.session_id,
    entity_type: 'session',
    action: 'complete',
    data: { ...figures },
    actor,
  },
  timestamp: at.toISOString(),
  target_roles: [...DEFAULT_TARGETS],
});

/** A device uploads for a session for the first time. */
export const userActivityEvent = (
  activity: { user_id: string; device_id: string; session_id: string },
  actor: Actor,
  at: Date,
): RealTimeEvent => ({
  type: 'user_activity',
  payload: {
    entity_id: activity.user_id,
    entity_type: 'user',
    action: 'create',
    data: { ...activity },
    actor,
  },
  timestamp: at.toISOString(),
  target_roles: [...DEFAULT_TARGETS],
});
