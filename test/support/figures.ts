// What a test came to besides passing: `npm run prove` reads it from the JSON report.
import type { TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Figures of this test by name, for example `{ stories: 1000 }`. */
    figures?: Record<string, number>;
  }
}

/** Tells how much a test did. A figure of the same name in another test of the run is added to it. */
export function tellFigures({ task }: Pick<TestContext, 'task'>, figures: Record<string, number>): void {
  task.meta.figures = figures;
}
