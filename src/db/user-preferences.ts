import { MongoServerError } from 'mongodb';
import {
  DEFAULT_PREFERENCES,
  type PreferenceSettings,
  type UserPreferences,
} from '../contract/schemas/user-preferences.ts';
import type { Database } from './database.ts';

const DUPLICATE_KEY = 11000;

type Patch = { [K in keyof PreferenceSettings]?: PreferenceSettings[K] | undefined };

/** A user's preferences, created with the defaults at first access. */
export const readPreferences = (database: Database, userId: string): Promise<UserPreferences> =>
  changePreferences(database, userId, {});

/** Changes some of a user's preferences and returns all of them. */
export async function changePreferences(
  database: Database,
  userId: string,
  patch: Patch,
): Promise<UserPreferences> {
  try {
    return await upsert(database, userId, patch);
  } catch (error) {
    // Two first accesses at once may both try to insert; the second try finds the other's row.
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY)
      return upsert(database, userId, patch);
    throw error;
  }
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
