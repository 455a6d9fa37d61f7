import type { Proof } from '../proof.ts';
import { vitestProof } from '../vitest-proof.ts';

const REQUESTS = 20_000;

export const proof: Proof = vitestProof({
  name: 'fuzz',
  letters: ['E6', 'S7'],
  about: `${REQUESTS} requests from the published schemas, and WebSocket clients: no 5xx, nothing stored on 4xx`,
  project: 'integration',
  files: ['test/integration/http/fuzz.test.ts', 'test/integration/http/fuzz-frames.test.ts'],
  environment: (seed) => ({ FUZZ_REQUESTS: String(REQUESTS), FUZZ_SEED: String(seed) }),
  atLeast: { requests: REQUESTS },
});
