import type { TrailEntry } from '../../contract/schemas/sync-conflict.ts';

/** A phone may count a disputed line again and again; a document must not grow with it. */
const MAX_STEPS = 100;

/** A conflict's trail with one more step: the first one stays, the oldest of the others make room. */
export function extendTrail(trail: readonly TrailEntry[], step: TrailEntry): TrailEntry[] {
  const [opened, ...later] = trail;
  return opened === undefined ? [step] : [opened, ...later.slice(-(MAX_STEPS - 2)), step];
}
