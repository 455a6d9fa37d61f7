import type { Proof } from '../proof.ts';
import { vitestProof } from '../vitest-proof.ts';

const HISTORIES = 1_000;

export const proof: Proof = vitestProof({
  name: 'histories',
  letters: ['A1', 'A2'],
  about: `the roll-ups of ${HISTORIES} random histories of late and corrected counts equal the brute force`,
  project: 'integration',
  files: ['test/integration/variance/histories.test.ts'],
  environment: (seed) => ({ HISTORIES: String(HISTORIES), HISTORIES_SEED: String(seed) }),
  atLeast: { histories: HISTORIES },
});
