import type { Collection, Document } from 'mongodb';
import type { Database } from '../database.ts';

/** Gives fields to documents that were there before the engine. */
export interface Migration {
  /** Numbered in the order of writing; never reused, never changed once released. */
  readonly id: string;
  readonly collection: (database: Database) => Collection<Document>;
  /** What each field becomes where it is missing. A field that is there keeps its value, null too. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Touches what belongs to another product: runs only when a person asks for it. */
  readonly byRequestOnly: boolean;
}

/** Every migration, oldest first (seed, "Migration Notes"; contract 5). */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: '0001-count-session-defaults',
    collection: (database) => database.db.collection(database.sessions.collectionName),
    defaults: { offline_created: false, sync_status: 'synced', conflict_items: [] },
    byRequestOnly: false,
  },
  {
    id: '0002-user-auth-fields',
    collection: (database) => database.db.collection(database.users.collectionName),
    defaults: {
      password_changed_at: null,
      pin_changed_at: null,
      last_failed_auth_at: null,
      failed_auth_attempts: 0,
    },
    byRequestOnly: true,
  },
];
