import type { RealTimeEvent } from '../../contract/wire-types.ts';
import { DEFAULT_TARGETS, SYSTEM_ACTOR } from './actor.ts';

export interface Alert {
  severity: 'info' | 'warning' | 'error';
  code: 'rollup_published' | 'dead_letter' | 'degraded' | 'recovered' | 'analytics_settings_changed';
  title: string;
  message: string;
}

/** Something that operators should know. `entityId` names what it is about, such as a queue. */
export const systemAlert = (alert: Alert, entityId: string, at: Date): RealTimeEvent => ({
  type: 'system_alert',
  payload: {
    entity_id: entityId,
    entity_type: 'system',
    action: 'update',
    data: { ...alert },
    actor: SYSTEM_ACTOR,
  },
  timestamp: at.toISOString(),
  target_roles: [...DEFAULT_TARGETS],
});
