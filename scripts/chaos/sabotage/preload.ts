import type { Sabotage } from '../options.ts';

const FILES: Record<Sabotage, string> = { ledger: 'without-ledger.ts', fence: 'without-fence.ts' };

/** The file that Node loads before an engine that lacks this part; undefined for the whole engine. */
export const preloadOf = (sabotage: Sabotage | undefined): string | undefined =>
  sabotage && new URL(FILES[sabotage], import.meta.url).href;
