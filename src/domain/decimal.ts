/**
 * Exact decimals for quantities, money and percentages (rules, "Periods and numbers"): a double is read
 * at 15 significant digits, sums are exact whatever their order, results are rounded half away from zero
 * to 4 places at the end.
 *
 * A Decimal is `units / 10^scale`. Products of two inputs need more places than 4, hence the scale.
 */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

const TEN = 10n;

/** Reads a finite double at 15 significant digits. Throws RangeError on NaN and infinities. */
export function decimal(value: number): Decimal {
  if (!Number.isFinite(value)) throw new RangeError(`expected a finite number, got ${value}`);
  const [mantissa = '0', exponent = '0'] = value.toExponential(14).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const digits = fraction.replace(/0+$/, '');
  const units = BigInt(whole + digits);
  const scale = digits.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * TEN ** BigInt(-scale), scale: 0 };
}

/** Reads a decimal written out, such as `-12.50` or `1.2E+3` (MongoDB's Decimal128). Throws RangeError. */
export function parseDecimal(text: string): Decimal {
  const parts = /^([+-]?)(\d+)(?:\.(\d*))?(?:E([+-]?\d+))?$/i.exec(text);
  if (!parts) throw new RangeError(`expected a finite decimal, got ${text}`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts;
  const units = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * TEN ** BigInt(-scale), scale: 0 };
}

const atScale = (a: Decimal, scale: number): bigint => a.units * TEN ** BigInt(scale - a.scale);

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: atScale(a, scale) + atScale(b, scale), scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { units: -b.units, scale: b.scale });
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

export function absolute(a: Decimal): Decimal {
  return a.units < 0n ? { units: -a.units, scale: a.scale } : a;
}

/** Negative, zero or positive, as a sort callback wants it. */
export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export const isZero = (a: Decimal): boolean => a.units === 0n;

/** a ÷ b at 4 places, half away from zero, as a double. `b` must not be zero. */
export function ratio(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  return fromUnits(divideRounded(atScale(a, scale) * 10_000n, atScale(b, scale)));
}

/** Rounded half away from zero to 4 places, as a double; never -0. */
export function toNumber(a: Decimal): number {
  if (a.scale <= 4) return fromUnits(atScale(a, 4));
  return fromUnits(divideRounded(a.units, TEN ** BigInt(a.scale - 4)));
}

/** A double rounded to 4 places: how every quantity is stored. */
export const round4 = (value: number): number => toNumber(decimal(value));

function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const sign = numerator < 0n !== denominator < 0n ? -1n : 1n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  return sign * ((2n * n + d) / (2n * d));
}

// The text form keeps 4 exact places, so the double is the nearest one to the decimal.
function fromUnits(units: bigint): number {
  const negative = units < 0n;
  const text = (negative ? -units : units).toString().padStart(5, '0');
  const value = Number(`${text.slice(0, -4)}.${text.slice(-4)}`);
  return negative && value !== 0 ? -value : value;
}
