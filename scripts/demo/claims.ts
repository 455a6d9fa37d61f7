// What the demo says is checked as it is said; what does not hold is told at the end, and the exit code is 1.
import { isDeepStrictEqual } from 'node:util';

export interface Claims {
  /** Notes a claim that does not hold; the story goes on. */
  equal(what: string, actual: unknown, expected: unknown): void;
  /** The claims that do not hold. */
  broken(): readonly string[];
  /** How many were made. */
  made(): number;
}

export function createClaims(): Claims {
  const broken: string[] = [];
  let made = 0;
  return {
    equal: (what, actual, expected) => {
      made += 1;
      if (isDeepStrictEqual(actual, expected)) return;
      broken.push(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
    },
    broken: () => broken,
    made: () => made,
  };
}
