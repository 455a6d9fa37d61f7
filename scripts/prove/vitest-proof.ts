// A proof that is a set of test files at full length: the environment says how long, the report what came out.
import { fileURLToPath } from 'node:url';
import { runVitest } from '../test/vitest.ts';
import type { Figure, Proof, ProofContext } from './proof.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface VitestProof extends Omit<Proof, 'run'> {
  project: 'unit' | 'integration';
  files: readonly string[];
  /** A part of the tests' names; without it the whole files. */
  only?: string;
  /** What sets the length, and where chance begins. */
  environment(seed: number): Record<string, string>;
  /** The least that the tests must tell of themselves (test/support/figures.ts), by name. */
  atLeast?: Readonly<Record<string, number>>;
}

/** Runs the tests on the servers of the run. None may fail, be left out, or tell less than was asked for. */
export const vitestProof = ({ name, letters, about, ...tests }: VitestProof): Proof => ({
  name,
  letters,
  about,
  run: async ({ services, seed, report }: ProofContext): Promise<Figure[]> => {
    const { project, files, only, atLeast = {} } = tests;
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      MONGODB_URL: services.mongoUrl,
      REDIS_URL: services.redisUrl,
      NO_COLOR: '1',
      ...tests.environment(seed),
    };
    const args = ['--project', project, ...(only === undefined ? [] : ['-t', only]), ...files];
    const run = await runVitest(ROOT, args, {
      env,
      onLine: (line) => line.trim() !== '' && report(line.trim()),
    });
    const told = Object.entries(run.figures).filter(([figure]) => !(figure in atLeast));
    return [
      ...Object.entries(atLeast).map(([figure, least]) => ({
        name: figure,
        value: run.figures[figure] ?? 0,
        unit: '',
        atLeast: least,
      })),
      ...told.map(([figure, value]) => ({ name: figure, value, unit: '' })),
      { name: 'tests passed', value: run.passed, unit: 'tests', atLeast: 1 },
      { name: 'tests failed', value: run.failed, unit: 'tests', atMost: 0 },
      // With a part of the names, the other tests of the files count as skipped.
      ...(only === undefined
        ? [{ name: 'tests skipped', value: run.skipped, unit: 'tests', atMost: 0 }]
        : []),
    ];
  },
});
