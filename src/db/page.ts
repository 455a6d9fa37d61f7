/** One page of a list: at most `limit` rows after `after`. */
export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<T> {
  rows: T[];
  total: number;
  next_cursor?: string;
}

/**
 * Makes a page of one row more than was asked for: the surplus row says that there is a next page, which
 * starts after the last one returned.
 */
export function pageOf<T>(found: T[], limit: number, total: number, cursorOf: (row: T) => string): Page<T> {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return found.length > limit && last !== undefined
    ? { rows, total, next_cursor: cursorOf(last) }
    : { rows, total };
}

/** A cursor is opaque to callers: base64url of the sort key's JSON. */
export const encodeCursor = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

/** A cursor that no list of ours gave out: starting over silently would page for ever. */
export class InvalidCursor extends Error {
  override name = 'InvalidCursor';
  /** For HTTP: the caller's mistake. */
  readonly statusCode = 400;
  constructor() {
    super('The cursor is none that this list gave out.');
  }
}

/** The sort key in a cursor. Throws InvalidCursor when it is none of ours. */
export function decodeCursor(cursor: string, parts: readonly ('string' | 'number')[]): (string | number)[] {
  const key = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!Array.isArray(key) || key.length !== parts.length) throw new InvalidCursor();
  if (!key.every((part, index) => typeof part === parts[index] && isUsable(part))) throw new InvalidCursor();
  return key;
}

const MAX_TIME_IN_MS = 8.64e15;

// The numbers in our cursors are times.
const isUsable = (part: unknown): boolean => typeof part !== 'number' || Math.abs(part) <= MAX_TIME_IN_MS;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
