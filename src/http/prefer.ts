const MAX_WAIT_SECONDS = 30;

/**
 * The wait of a `Prefer: wait=N` header in milliseconds, N at most 30 s; undefined when there is none or
 * it is not one. Preferences are wishes: a wrong one is ignored (RFC 7240).
 */
export function parseWait(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const seconds = Number(/(?:^|[,;\s])wait\s*=\s*"?(\d{1,4})"?/i.exec(text)?.[1] ?? Number.NaN);
  if (!(seconds >= 1)) return undefined;
  return Math.min(seconds, MAX_WAIT_SECONDS) * 1000;
}
