import type { Figure, Proof, ProofContext } from './proof.ts';

export interface ProofResult {
  name: string;
  letters: readonly string[];
  seconds: number;
  figures: readonly Figure[];
  /** Why it could not be carried out; its figures are then missing. */
  error?: string;
}

/** Whether a figure keeps its bound; one without a bound always does, one that is no number never. */
export const isKept = ({ value, atMost, atLeast }: Figure): boolean =>
  Number.isFinite(value) &&
  (atMost === undefined || value <= atMost) &&
  (atLeast === undefined || value >= atLeast);

/** Whether the proof was carried out, came to figures, and all of them keep their bounds. */
export const holds = ({ error, figures }: ProofResult): boolean =>
  error === undefined && figures.length > 0 && figures.every(isKept);

/** 1 as soon as one proof does not hold. */
export const exitCodeOf = (results: readonly ProofResult[]): 0 | 1 => (results.every(holds) ? 0 : 1);

/** Carries the proofs out one after the other; one that throws does not keep the next from its turn. */
export async function runProofs(proofs: readonly Proof[], context: ProofContext): Promise<ProofResult[]> {
  const results: ProofResult[] = [];
  for (const proof of proofs) {
    const { name, letters, about } = proof;
    context.report(`\n${name} (${letters.join(', ')}): ${about}`);
    const startedAt = performance.now();
    const outcome = await carryOut(proof, context);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    if (outcome.error !== undefined) context.report(`  FAILED: ${outcome.error}`);
    context.report(`  ${seconds} s`);
    results.push({ name, letters, seconds, ...outcome });
  }
  return results;
}

async function carryOut(
  proof: Proof,
  context: ProofContext,
): Promise<Pick<ProofResult, 'figures' | 'error'>> {
  try {
    const report = (line: string): void => context.report(`  ${line}`);
    return { figures: await proof.run({ ...context, report }) };
  } catch (error) {
    return { figures: [], error: error instanceof Error ? error.message : String(error) };
  }
}
