import type { Proof } from '../proof.ts';
import { vitestProof } from '../vitest-proof.ts';

/** A story has more than a hundred; fewer mean that not all were taken. */
const MIN_KILL_POINTS = 100;

export const proof: Proof = vitestProof({
  name: 'kill-points',
  letters: ['S1', 'E1'],
  about: 'a worker that is killed after any step of applying leaves the same final state',
  project: 'integration',
  files: ['test/integration/sync/kill-points.test.ts'],
  environment: () => ({ KILL_POINTS: 'all' }),
  atLeast: { 'kill points': MIN_KILL_POINTS },
});
