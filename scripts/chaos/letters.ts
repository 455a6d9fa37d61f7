/** The letters that the checker judges, in the order in which the first violated one decides, each with its exit code. */
export const LETTERS = {
  S1: { code: 11, about: 'an acknowledged operation was lost or applied twice' },
  S2: { code: 12, about: 'one operation was told two different verdicts' },
  S4: { code: 14, about: "a device's batches were applied out of order" },
  S6: { code: 16, about: 'received was shown as applied' },
  S8: { code: 18, about: "a conflict lost a value, or its session's state is wrong" },
  L1: { code: 21, about: 'two locks of one item lived at once' },
  L2: { code: 22, about: 'a lock lived past 15 minutes' },
  L4: { code: 24, about: "an item's fence did not grow" },
  L5: { code: 25, about: 'something was done under a fence that was not the current one' },
  L6: { code: 26, about: 'a lock did not end exactly once, or too late' },
  L7: { code: 27, about: 'a lock that was told is not in the history' },
  E1: { code: 31, about: 'something acknowledged is not stored' },
  E3: { code: 33, about: 'a dead letter without poison' },
} as const;

export type Letter = keyof typeof LETTERS;

/** Something that must not be: the letter it breaks and what was seen. */
export interface Violation {
  letter: Letter;
  what: string;
}

/** 0 without violations, else the code of the first letter that is violated. */
export function exitCodeOf(violations: readonly Violation[]): number {
  const violated = new Set(violations.map(({ letter }) => letter));
  for (const [letter, { code }] of Object.entries(LETTERS)) {
    if (violated.has(letter as Letter)) return code;
  }
  return 0;
}
