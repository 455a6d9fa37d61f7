// Values made from JSON schemas: right ones, nearly right ones, and hostile ones.

export interface JsonSchema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

export type Random = () => number;

/** Mulberry32: the same numbers for the same seed, on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  -1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER + 2,
  2 ** 31,
  2 ** 63,
  '',
  ' ',
  '0',
  '1e9',
  '0x10',
  'NaN',
  'Infinity',
  'null',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'a\udfffb',
  '\u202e\u2028',
  '\ufeff',
  '👩‍🔧'.repeat(30),
  'x'.repeat(101),
  'x'.repeat(10_240),
  '__proto__',
  'constructor',
  '$where',
  '$$NOW',
  'a.b.$c',
  '../../etc/passwd',
  "'; DROP TABLE x; --",
  '(a+)+$',
  '2026-02-30',
  '2026-13-01T25:61:00Z',
  '9999-12-31T23:59:59.999Z',
  '0000-01-01',
  '+275760-09-13T00:00:00.001Z',
  [],
  [null],
  [[[[]]]],
  nested(500),
  {},
  { $gt: '' },
  { $where: 'sleep(1000)' },
  { $ne: null, $exists: true },
  { toString: 1, valueOf: 2, length: -1 },
  { toJSON: 'y', _bsontype: 'ObjectId' },
  JSON.parse('{"__proto__":{"admin":true}}'),
];

export const hostile = (random: Random): unknown => pick(random, HOSTILE);

const WORDS = ['bolt', 'nut', 'S-1', 'S-2', 'a b', 'ß/€', '$x', 'count_update', 'session'];
const TIMES = [0, 1_772_445_600, 1_772_445_600_000, '2026-03-02T10:00:00Z', '2026-03-02', 8.64e15, -8.64e12];

export interface Making {
  random: Random;
  /** How often a leaf is replaced by something hostile. */
  hostility: number;
  /** What is stored under a field of this name, so that right values also meet something. */
  known: Readonly<Record<string, readonly unknown[]>>;
}

/** A value of the schema, hostile leaves apart. A named one is often one that is stored. */
export function madeFrom(schema: JsonSchema, making: Making, name = ''): unknown {
  const { random, hostility, known } = making;
  if (random() < hostility) return hostile(random);
  const wanted = schema.type === 'integer' ? 'number' : 'string';
  const stored = (known[name] ?? []).filter((one) => schema.type === undefined || typeof one === wanted);
  if (stored.length > 0 && random() < 0.8) return pick(random, stored);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return pick(random, schema.enum);
  if (schema.anyOf) {
    const isTime =
      schema.anyOf.length === 2 && schema.anyOf.every(({ type }) => type === 'number' || type === 'string');
    return isTime ? pick(random, TIMES) : madeFrom(pick(random, schema.anyOf), making);
  }
  switch (schema.type) {
    case 'string':
      return text(schema, random);
    case 'integer':
    case 'number':
      return number(schema, random);
    case 'boolean':
      return random() < 0.5;
    case 'array': {
      const length = (schema.minItems ?? 0) + Math.floor(random() * 4);
      return Array.from({ length }, () => madeFrom(schema.items ?? {}, making));
    }
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([key]) => random() > hostility / 2 && (schema.required?.includes(key) || random() < 0.6))
          .map(([key, member]) => [key, madeFrom(member, making, key)]),
      );
    default:
      return hostile(random);
  }
}

/** The value with one thing wrong in it: a leaf made hostile, a member lost, or one that nobody knows. */
export function withOneFault(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null) return hostile(random);
  const keys = Object.keys(value);
  if (keys.length === 0) return hostile(random);
  const key = pick(random, keys);
  if (Array.isArray(value)) {
    return value.map((member, index) => (String(index) === key ? withOneFault(member, random) : member));
  }
  const { [key]: member, ...others } = value as Record<string, unknown>;
  const fault = random();
  if (fault < 0.2) return others;
  if (fault < 0.3) return { ...value, [pick(random, ['extra', '$set', '__proto__x'])]: hostile(random) };
  return { ...others, [key]: withOneFault(member, random) };
}

function text(schema: JsonSchema, random: Random): string {
  const days = Math.floor(random() * 60);
  switch (schema.format) {
    case 'uuid':
      return uuid(random);
    case 'date':
      return new Date(Date.UTC(2026, 0, 1 + days)).toISOString().slice(0, 10);
    case 'date-time':
      return new Date(Date.UTC(2026, 0, 1 + days)).toISOString();
  }
  const edges = [schema.minLength, schema.maxLength].filter((edge) => edge !== undefined);
  if (edges.length > 0 && random() < 0.2) return 'y'.repeat(pick(random, edges));
  return pick(random, WORDS);
}

function uuid(random: Random): string {
  const hex = () =>
    Math.floor(random() * 16 ** 4)
      .toString(16)
      .padStart(4, '0');
  return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-8${hex().slice(1)}-${hex()}${hex()}${hex()}`;
}

function number(schema: JsonSchema, random: Random): number {
  const { minimum = 0, maximum = minimum + 1000 } = schema;
  const value = pick(random, [minimum, maximum, minimum + random() * Math.min(maximum - minimum, 50)]);
  return schema.type === 'integer' ? Math.floor(value) : value;
}
