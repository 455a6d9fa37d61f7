/**
 * Categories and reasons are people's text, and MongoDB gives `.` and a leading `$` in field names a
 * meaning: they and `%` are percent-encoded in stored maps and decoded in answers (contract 5).
 */
export const encodeMapKey = (key: string): string =>
  key.replaceAll('%', '%25').replaceAll('.', '%2E').replace(/^\$/, '%24');

/** The text that `encodeMapKey` was given. */
export const decodeMapKey = (key: string): string =>
  key.replace(/%(25|2E|24)/g, (_, code: string) => DECODED[code] ?? '');

const DECODED: Record<string, string> = { '25': '%', '2E': '.', '24': '$' };

/** The same map with decoded keys. */
export const decodeMap = <T>(map: Record<string, T>): Record<string, T> =>
  // fromEntries defines properties, so that a key such as `__proto__` is one like any other.
  Object.fromEntries(Object.entries(map).map(([key, value]) => [decodeMapKey(key), value]));
