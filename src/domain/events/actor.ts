import type { RealTimeEvent, Role } from '../../contract/wire-types.ts';

export type Actor = RealTimeEvent['payload']['actor'];

/** Supervisors and admins see warehouse events unless an event says otherwise (contract 6). */
export const DEFAULT_TARGETS: readonly Role[] = ['supervisor', 'admin'];

/** What the engine does by itself, nobody else did. */
export const SYSTEM_ACTOR: Actor = { user_id: 'system', username: 'system', role: 'system' };

/** A person's `sub` is id and name at once (contract 3). */
export const person = (userId: string, role: Role): Actor => ({ user_id: userId, username: userId, role });
