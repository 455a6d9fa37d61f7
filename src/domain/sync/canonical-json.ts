// Deeper input than this is no payload of ours; a bound keeps the recursion off the stack's end.
const MAX_DEPTH = 32;

/**
 * JSON with sorted keys, so that equal content gives equal text (rules, "Identity"). `undefined` members
 * are left out; what is nested deeper than 32 levels is replaced by a marker.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null);
  if (value instanceof Date) return String(value.getTime());
  if (depth >= MAX_DEPTH) return '"…"';
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, depth + 1)}`);
  return `{${members.join(',')}}`;
}
