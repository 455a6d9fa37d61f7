import type fc from 'fast-check';
import type { Truth } from './truth.ts';
import type { World } from './world.ts';

export type Step = fc.AsyncCommand<Truth, World>;

/** A command that works on what is there when its turn comes, so that a shortened list still runs. */
export const step = (name: string, run: (world: World) => Promise<void>): Step => ({
  check: () => true,
  run: (_truth, world) => run(world),
  toString: () => name,
});
