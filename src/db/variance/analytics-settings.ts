import { FORMULA_VERSION } from '../../domain/variance/formula.ts';
import type { Database } from '../database.ts';
import { MAX_TIME_MS } from '../time-limited.ts';

/** What all stored documents have in common; one of another zone or tolerance says something else. */
export interface AnalyticsSettings {
  timezone: string;
  tolerancePercent: number;
}

/**
 * The settings that the stored documents were made with, if they are not the given ones: until a
 * `backfill --reprocess all` no roll-up may be written (rules, "Periods and numbers"). The first caller
 * ever stores its own. Readiness and doctor ask this, too.
 */
export async function findChangedSettings(
  database: Database,
  settings: AnalyticsSettings,
): Promise<AnalyticsSettings | undefined> {
  const stored = await database.settings.findOne({ _id: 'analytics' }, { maxTimeMS: MAX_TIME_MS });
  if (!stored || !('timezone' in stored)) {
    await storeSettings(database, settings);
    return undefined;
  }
  const { timezone, tolerance_percent: tolerancePercent } = stored;
  const same = timezone === settings.timezone && tolerancePercent === settings.tolerancePercent;
  return same ? undefined : { timezone, tolerancePercent };
}

/** From now on the stored documents are of these settings. */
export async function storeSettings(database: Database, settings: AnalyticsSettings): Promise<void> {
  await database.settings.updateOne(
    { _id: 'analytics' },
    {
      $set: {
        timezone: settings.timezone,
        tolerance_percent: settings.tolerancePercent,
        formula_version: FORMULA_VERSION,
      },
    },
    { upsert: true },
  );
}
