import type { DeadLetter } from '../dead-letters.ts';

/** What came of sending a dead letter again. */
export type RedriveOutcome =
  /** It is on its way. */
  | { state: 'redriven'; letter: DeadLetter }
  /** It was sent again before: nothing changed. What fails again becomes a letter that waits. */
  | { state: 'unchanged'; letter: DeadLetter }
  | { state: 'unknown' }
  /** What it refers to was deleted since: there is nothing left to send again. */
  | { state: 'gone'; what: string; remedy: string }
  /** Its job is none that this build knows. */
  | { state: 'unreadable' };
