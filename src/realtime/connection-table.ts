import type { Role } from '../contract/wire-types.ts';
import { inTime } from '../runtime/in-time.ts';
import type { Connection } from './connection.ts';

/** The open connections of this process, in the order in which they came. */
export interface ConnectionTable {
  add(connection: Connection): void;
  remove(connection: Connection): void;
  /** A list that stays as it is while connections come and go. */
  all(): readonly Connection[];
  countOf(userId: string): number;
  countByRole(): Record<Role, number>;
  /** Resolves when nobody is left, after `ms` at the latest. */
  empty(ms: number): Promise<void>;
}

export function createConnectionTable(): ConnectionTable {
  const open = new Set<Connection>();
  const perUser = new Map<string, number>();
  // Rebuilt after a change only: it is walked for every event.
  let list: readonly Connection[] | undefined;
  let onEmpty = (): void => {};

  const count = (userId: string, change: 1 | -1): void => {
    const left = (perUser.get(userId) ?? 0) + change;
    if (left > 0) perUser.set(userId, left);
    else perUser.delete(userId);
  };
  const all = (): readonly Connection[] => {
    list ??= [...open];
    return list;
  };
  return {
    add(connection) {
      open.add(connection);
      list = undefined;
      count(connection.userId, 1);
    },
    remove(connection) {
      if (!open.delete(connection)) return;
      list = undefined;
      count(connection.userId, -1);
      if (open.size === 0) onEmpty();
    },
    all,
    countOf: (userId) => perUser.get(userId) ?? 0,
    countByRole() {
      const counts: Record<Role, number> = { admin: 0, supervisor: 0, staff: 0 };
      for (const connection of open) counts[connection.role] += 1;
      return counts;
    },
    async empty(ms) {
      if (open.size === 0) return;
      const emptied = new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
      await inTime(emptied, ms).catch(() => {});
    },
  };
}
