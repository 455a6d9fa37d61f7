import type { RealTimeEvent, Role } from '../../contract/wire-types.ts';

/** Whether a person of this role may get the event, live or replayed (invariant R2). */
export const visibleTo = (role: Role, event: Pick<RealTimeEvent, 'target_roles'>): boolean =>
  event.target_roles.includes(role);
