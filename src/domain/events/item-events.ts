import type { ItemLock, LockEnd } from '../../contract/schemas/item-lock.ts';
import type { ConflictType, RealTimeEvent, Resolution } from '../../contract/wire-types.ts';
import { type Actor, DEFAULT_TARGETS } from './actor.ts';

/** The item's figures over all its locations in one session, after a line changed. */
export interface ItemFigures {
  item_code: string;
  session_id: string;
  location: string;
  line_quantity: number | null;
  physical_count: number;
  erp_quantity: number | null;
  variance: number | null;
  has_variance: boolean;
  version: number;
}

function itemUpdate(itemCode: string, data: Record<string, unknown>, actor: Actor, at: Date): RealTimeEvent {
  return {
    type: 'item_update',
    payload: { entity_id: itemCode, entity_type: 'item', action: 'update', data, actor },
    timestamp: at.toISOString(),
    target_roles: [...DEFAULT_TARGETS],
  };
}

/** A line was applied or voided. */
export const lineEvent = (figures: ItemFigures, actor: Actor, at: Date): RealTimeEvent =>
  itemUpdate(figures.item_code, { ...figures }, actor, at);

export type LockState = 'locked' | 'renewed' | LockEnd;

/** A lock was taken, renewed or ended. */
export const lockEvent = (lock: ItemLock, state: LockState, actor: Actor, at: Date): RealTimeEvent =>
  itemUpdate(
    lock.item_code,
    {
      item_code: lock.item_code,
      session_id: lock.session_id,
      lock: {
        state,
        fence: lock.fence,
        locked_by: lock.locked_by,
        expires_at: lock.expires_at.toISOString(),
        reason: lock.reason,
      },
    },
    actor,
    at,
  );

export interface ConflictChange {
  item_code: string;
  session_id: string;
  location: string;
  conflict_id: string;
  conflict_type: ConflictType;
  state: 'pending' | 'resolved';
  resolution?: Resolution;
}

/** A conflict was opened or resolved. */
export function conflictEvent(change: ConflictChange, actor: Actor, at: Date): RealTimeEvent {
  const { item_code, session_id, location, ...conflict } = change;
  return itemUpdate(item_code, { item_code, session_id, location, conflict }, actor, at);
}
