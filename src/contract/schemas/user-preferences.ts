import { z } from 'zod';

export const FONT_SCALES = { small: 0.85, medium: 1.0, large: 1.15 } as const;

const settings = z.object({
  color_scheme: z.enum(['light', 'dark', 'system']),
  primary_color: z.string().regex(/^#[0-9A-Fa-f]{6}$/, 'must be a hex colour such as #007AFF'),
  font_size: z.enum(['small', 'medium', 'large']),
  font_scale: z.union([z.literal(0.85), z.literal(1.0), z.literal(1.15)]),
  push_notifications: z.boolean(),
  sound_enabled: z.boolean(),
  vibration_enabled: z.boolean(),
});

export type PreferenceSettings = z.infer<typeof settings>;

/** Stored preferences (seed "UserPreferences"). */
export const userPreferences = settings.extend({
  user_id: z.string(),
  created_at: z.date(),
  updated_at: z.date(),
});

export type UserPreferences = z.infer<typeof userPreferences>;

/** A change of preferences. A `font_size` alone sets the scale that belongs to it (contract 4). */
export const preferencesPatch = settings
  .partial()
  .transform((patch) =>
    patch.font_size !== undefined && patch.font_scale === undefined
      ? { ...patch, font_scale: FONT_SCALES[patch.font_size] }
      : patch,
  );

export const DEFAULT_PREFERENCES: PreferenceSettings = {
  color_scheme: 'system',
  primary_color: '#007AFF',
  font_size: 'medium',
  font_scale: FONT_SCALES.medium,
  push_notifications: true,
  sound_enabled: true,
  vibration_enabled: true,
};
