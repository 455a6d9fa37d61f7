import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * The process's logger: JSON lines on stdout. Tokens and secrets are cut out wherever they could stand
 * (invariant E5); callers log ids and counts, never payloads.
 */
export function createLogger(level: string): Logger {
  return pino({
    level,
    redact: {
      paths: ['token', '*.token', 'req.headers.authorization', 'headers.authorization', 'authorization'],
      censor: '[redacted]',
    },
  });
}

/** A URL without its query's token, fit for a log line. */
export const withoutToken = (url: string): string => url.replace(/([?&]token=)[^&]*/gi, '$1[redacted]');
