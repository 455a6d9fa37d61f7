import type { Proof } from '../proof.ts';
import { vitestProof } from '../vitest-proof.ts';

const EXPRESSIONS = 3_000;

export const proof: Proof = vitestProof({
  name: 'due-times',
  letters: ['A6'],
  about: `the due times of ${EXPRESSIONS} random cron expressions equal a search minute by minute`,
  project: 'unit',
  files: ['test/unit/schedules/due-times-fuzz.test.ts'],
  environment: (seed) => ({ CRON_EXPRESSIONS: String(EXPRESSIONS), CRON_SEED: String(seed) }),
  atLeast: { expressions: EXPRESSIONS },
});
