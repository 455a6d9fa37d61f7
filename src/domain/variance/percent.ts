import { decimal, ratio } from '../decimal.ts';

/** How much of `whole` is not `part`, in percent at 4 places; 100 of nothing. Both are counts. */
export const percentWithout = (part: number, whole: number): number =>
  whole === 0 ? 100 : ratio(decimal(100 * (whole - part)), decimal(whole));

/** How much of `whole` is `part`, in percent at 4 places; 0 of nothing. Both are counts. */
export const percent = (part: number, whole: number): number =>
  whole === 0 ? 0 : ratio(decimal(100 * part), decimal(whole));
