import {
  DEFAULT_PREFERENCES,
  type PreferenceSettings,
  type UserPreferences,
} from '../contract/schemas/user-preferences.ts';
import type { Database } from './database.ts';
import { onceMoreOnDuplicate } from './duplicate-key.ts';

type Patch = { [K in keyof PreferenceSettings]?: PreferenceSettings[K] | undefined };

/** A user's preferences, created with the defaults at first access. */
export const readPreferences = (database: Database, userId: string): Promise<UserPreferences> =>
  changePreferences(database, userId, {});

/** Changes some of a user's preferences and returns all of them. */
export function changePreferences(
  database: Database,
  userId: string,
  patch: Patch,
): Promise<UserPreferences> {
  return onceMoreOnDuplicate(() => upsert(database, userId, patch));
}

async function upsert(database: Database, userId: string, patch: Patch): Promise<UserPreferences> {
  const changes = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const defaults = Object.fromEntries(
    Object.entries(DEFAULT_PREFERENCES).filter(([setting]) => !(setting in changes)),
  );
  const now = new Date();
  const changed = Object.keys(changes).length > 0;
  const preferences = await database.preferences.findOneAndUpdate(
    { user_id: userId, color_scheme: { $exists: true } },
    {
      $setOnInsert: { ...defaults, created_at: now, ...(changed ? {} : { updated_at: now }) },
      ...(changed ? { $set: { ...changes, updated_at: now } } : {}),
    },
    { upsert: true, returnDocument: 'after', projection: { _id: 0 } },
  );
  if (!preferences) throw new Error('an upsert returned no document');
  return preferences;
}
