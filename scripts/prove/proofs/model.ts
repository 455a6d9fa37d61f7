import type { Proof } from '../proof.ts';
import { vitestProof } from '../vitest-proof.ts';

const STORIES = 1_000;

export const proof: Proof = vitestProof({
  name: 'model',
  letters: ['S1', 'S2', 'S5', 'S8', 'L1', 'L3', 'L4', 'L5', 'L6', 'L7'],
  about: `${STORIES} random stories of three devices equal a model of the rules`,
  project: 'integration',
  files: ['test/integration/sync/model.test.ts'],
  environment: (seed) => ({ MODEL_RUNS: String(STORIES), MODEL_SEED: String(seed) }),
  atLeast: { stories: STORIES },
});
