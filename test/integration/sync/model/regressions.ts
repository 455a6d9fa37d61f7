// Stories that found a fault once; they are told first, every time. A failing run of model.test.ts prints `seed`,
// `path` and `replayPath`. A new or changed command makes other stories of old seeds: then they are only more stories.

export interface Regression {
  /** What was wrong, in the engine or in a copy of it that was broken on purpose. */
  found: string;
  seed: number;
  path: string;
  replayPath?: string;
}

/** The first was in the engine, the others in broken copies: those that needed the longest search are kept. */
export const REGRESSIONS: readonly Regression[] = [
  {
    found: 'a bulk resolution of two conflicts over a voided line that refused the second',
    seed: 1,
    path: '136:5:4:6:8:8:7:7:7:2:5:5:5:5:5:5:5:5:5',
    replayPath: '/d:D',
  },
  { found: 'a lock that ends while another conflict is pending', seed: 20_261_122, path: '29' },
  { found: 'a resolution that does not look at the version', seed: 20_261_122, path: '37' },
  { found: 'a retry that does not hold the completion back', seed: 20_261_122, path: '5' },
];
