import type { Proof } from '../proof.ts';
import { vitestProof } from '../vitest-proof.ts';

const ROUNDS = 200;

export const proof: Proof = vitestProof({
  name: 'lock-rounds',
  letters: ['L1', 'L3', 'L4'],
  about: `50 takers of one lock in ${ROUNDS} rounds have one winner each, and the fence grows`,
  project: 'integration',
  files: ['test/integration/locks/take-locks.test.ts'],
  environment: () => ({ LOCK_ROUNDS: String(ROUNDS) }),
  atLeast: { 'rounds of 50 takers': ROUNDS },
});
