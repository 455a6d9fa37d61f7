import type { Services } from '../../tools/services/start-services.ts';

/** One number that a proof came to, with the bound that it must keep; without a bound it is told only. */
export interface Figure {
  name: string;
  value: number;
  /** For example `ms`, `s`, `runs`, `bytes/operation`; empty for a plain ratio. */
  unit: string;
  atMost?: number;
  atLeast?: number;
}

export interface ProofContext {
  /** Servers of this run's own, which a proof may kill and restart when it leaves them running. */
  services: Services;
  seed: number;
  /** One line of progress for the person who watches. */
  report(line: string): void;
}

/** One thing that is shown at full length by `npm run prove`, a file of its own in `proofs/`. */
export interface Proof {
  /** What a person types: `npm run prove -- NAME`. */
  name: string;
  /** The invariants whose proof it is, as in docs/invariants.md. */
  letters: readonly string[];
  about: string;
  /** Throws when it could not be carried out; a bound that was not kept is a figure, no error. */
  run(context: ProofContext): Promise<Figure[]>;
}
