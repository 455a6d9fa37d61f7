import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Proof } from './proof.ts';

const FOLDER = new URL('proofs/', import.meta.url);

/** All proofs by name: each file of `proofs/` exports one as `proof`. Throws when a file's proof has another name. */
export async function findProofs(): Promise<Proof[]> {
  const files = readdirSync(fileURLToPath(FOLDER)).filter((file) => file.endsWith('.ts'));
  return Promise.all(
    files.toSorted().map(async (file) => {
      const { proof } = (await import(new URL(file, FOLDER).href)) as { proof?: Proof };
      if (proof?.name !== file.slice(0, -'.ts'.length)) {
        throw new Error(`proofs/${file} must export a proof of its own name, got '${proof?.name}'`);
      }
      return proof;
    }),
  );
}
