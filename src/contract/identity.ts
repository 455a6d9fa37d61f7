import type { Role } from './wire-types.ts';

/** Who asks: the token's `sub` and role (contract 3). */
export interface Identity {
  user_id: string;
  role: Role;
}

const RANK: Record<Role, number> = { staff: 0, supervisor: 1, admin: 2 };

/** Each role may do what the one below it may. */
export const mayActAs = (role: Role, needed: Role): boolean => RANK[role] >= RANK[needed];
