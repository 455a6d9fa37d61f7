import { z } from 'zod';

// Also no half of a surrogate pair: MongoDB would store another text than the one that was compared.
const PLAIN_TEXT = /^[^\p{Cc}\p{Cs}]*$/u;
const NOT_PLAIN = 'must not contain control characters';

/** Text without control characters, trimmed, `min`..`max` characters (contract 4). */
export const text = (min: number, max: number) =>
  z
    .string()
    .trim()
    .min(min)
    .max(max)
    // A control character in an id ends up in logs, file names and CSV cells: none is accepted.
    .regex(PLAIN_TEXT, NOT_PLAIN);

/** A free text: as `text`, longer. */
export const note = z.string().trim().max(1000).regex(PLAIN_TEXT, NOT_PLAIN);

/** A quantity or value: finite, at most 1e9 either way. The rules round it to 4 decimals. */
export const quantity = z.number().min(-1e9).max(1e9);

export const countedQuantity = z.number().min(0).max(1e9);

const SECONDS_BELOW = 1e11;
const MAX_DATE_MS = 8.64e15;

/** Unix seconds (< 1e11), Unix milliseconds or ISO 8601 (no zone = UTC), read as a Date. */
export const time = z.union([z.number(), z.string().max(40)]).transform((value, context) => {
  const ms = typeof value === 'number' ? numberToMs(value) : isoToMs(value);
  if (Number.isFinite(ms) && Math.abs(ms) <= MAX_DATE_MS) return new Date(ms);
  context.addIssue({ code: 'custom', message: 'is not a time: Unix seconds, milliseconds or ISO 8601' });
  return z.NEVER;
});

const numberToMs = (value: number): number => Math.round(value < SECONDS_BELOW ? value * 1000 : value);

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

function isoToMs(value: string): number {
  const parts = ISO.exec(value.trim());
  if (!parts) return Number.NaN;
  const [matched, year, month, day, zone] = parts;
  // Date.parse rolls 31 February over into March; a date that does not exist is a mistake.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return Number.NaN;
  const hasTime = matched.length > 10;
  return Date.parse(
    hasTime && zone === undefined ? `${matched.replace(' ', 'T')}Z` : matched.replace(' ', 'T'),
  );
}

/** A calendar date `YYYY-MM-DD` that exists. */
export const isoDate = z.iso.date();

export const limit = z.coerce.number().int().min(1).max(500).default(100);
export const cursor = z.string().max(400).optional();
