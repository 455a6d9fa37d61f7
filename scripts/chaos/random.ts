import { hash } from 'node:crypto';
import { type Random, randomFrom } from '../demo/random.ts';

export type { Random } from '../demo/random.ts';

/** Chance of its own for each device, person and plan, so that one of them never moves the others' dice. */
export const randomFor = (seed: number, name: string): Random =>
  randomFrom(Number.parseInt(hash('sha256', `${seed}/${name}`).slice(0, 8), 16));
