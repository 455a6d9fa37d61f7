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

const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  ' ',
  '0',
  'NaN',
  '\u0000',
  '\ud800',
  '\u202e\u2028',
  '👩‍🔧'.repeat(30),
  'x'.repeat(10_240),
  '__proto__',
  'constructor',
  '$where',
  'a.b.$c',
  '../../etc/passwd',
  "'; DROP TABLE x; --",
  '9999-12-31T23:59:59.999Z',
  '0000-01-01',
  [],
  [null],
  [[[[]]]],
  {},
  { $gt: '' },
  { $where: 'sleep(1000)' },
  { $ne: null, $exists: true },
  { toString: 1, valueOf: 2, length: -1 },
];

const WORDS = ['bolt', 'nut', 'S-1', 'S-2', 'a b', 'ß/€', '$x', 'count_update', 'session'];
const TIMES = [0, 1_772_445_600, 1_772_445_600_000, '2026-03-02T10:00:00Z', '2026-03-02', 8.64e15, -8.64e12];

/** How often a leaf is replaced by something hostile. */
export function madeFrom(schema: JsonSchema, random: Random, hostility: number): unknown {
  if (random() < hostility) return pick(random, HOSTILE);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return pick(random, schema.enum);
  if (schema.anyOf) {
    const isTime =
      schema.anyOf.length === 2 && schema.anyOf.every(({ type }) => type === 'number' || type === 'string');
    return isTime ? pick(random, TIMES) : madeFrom(pick(random, schema.anyOf), random, hostility);
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
      return Array.from({ length }, () => madeFrom(schema.items ?? {}, random, hostility));
    }
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => random() > hostility / 2 && (schema.required?.includes(name) || random() < 0.6))
          .map(([name, member]) => [name, madeFrom(member, random, hostility)]),
      );
    default:
      return pick(random, HOSTILE);
  }
}

function text(schema: JsonSchema, random: Random): string {
  if (schema.format === 'uuid') {
    const hex = () =>
      Math.floor(random() * 16 ** 4)
        .toString(16)
        .padStart(4, '0');
    return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-8${hex().slice(1)}-${hex()}${hex()}${hex()}`;
  }
  const edges = [schema.minLength, schema.maxLength].filter((edge) => edge !== undefined);
  if (edges.length > 0 && random() < 0.2) return 'y'.repeat(pick(random, edges));
  return pick(random, WORDS);
}

function number(schema: JsonSchema, random: Random): number {
  const { minimum = 0, maximum = minimum + 1000 } = schema;
  const value = pick(random, [minimum, maximum, minimum + random() * Math.min(maximum - minimum, 50)]);
  return schema.type === 'integer' ? Math.floor(value) : value;
}
