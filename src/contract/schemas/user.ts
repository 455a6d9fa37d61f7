import { z } from 'zod';

/** The fields a migration adds to the deployed app's `users` (seed "User (Enhanced)"); never read here. */
export const userEnhancements = z.object({
  password_changed_at: z.date().nullable().default(null),
  pin_changed_at: z.date().nullable().default(null),
  failed_auth_attempts: z.int().min(0).default(0),
  last_failed_auth_at: z.date().nullable().default(null),
});
