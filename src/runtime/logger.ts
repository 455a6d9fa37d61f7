import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export type { Logger };

/**
 * The process's logger: JSON lines on stdout, or to `destination`. Tokens and secrets are cut out wherever they could stand
 * (invariant E5); callers log ids and counts, never payloads.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    serializers: { err: describeError },
    redact: {
      paths: ['token', '*.token', 'req.headers.authorization', 'headers.authorization', 'authorization'],
      censor: '[redacted]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

const MAX_MESSAGE = 300;
const MAX_STACK = 2_000;

/**
 * An error as the log shows it. Only these fields: a failed bulk write carries the documents that were
 * refused, and payloads do not belong in a log.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error).slice(0, MAX_MESSAGE) };
  const { code, codeName } = error as { code?: unknown; codeName?: unknown };
  return {
    type: error.name,
    message: error.message.slice(0, MAX_MESSAGE),
    ...(code === undefined ? {} : { code }),
    ...(codeName === undefined ? {} : { codeName }),
    stack: stackOf(error),
  };
}

// The stack repeats the message in front of its frames.
const stackOf = (error: Error): string =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
    .slice(0, MAX_STACK);

/** A URL without its query's token, fit for a log line. */
export const withoutToken = (url: string): string => url.replace(/([?&]token=)[^&]*/gi, '$1[redacted]');
