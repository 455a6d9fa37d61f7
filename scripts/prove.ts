// npm run prove: what the engine promises, shown at full length, with a figure and a bound for each.
import { writeFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { startServices } from '../tools/services/start-services.ts';
import { terminalReport } from '../tools/services/terminal-report.ts';
import { runScript, UsageError } from './cli.ts';
import { figureTable } from './prove/figure-table.ts';
import { findProofs } from './prove/find-proofs.ts';
import type { Proof } from './prove/proof.ts';
import { exitCodeOf, holds, type ProofResult, runProofs } from './prove/run-proofs.ts';

const USAGE = `
npm run prove [-- NAME ...]    shows at full length what the engine promises, all of it or the named proofs

  --list         the proofs by name, with the invariants (docs/invariants.md) that they show
  --seed N       where random stories, requests and faults begin (default 1); the same seed repeats them
  --json FILE    writes the figures there too

Proofs run one after the other on a MongoDB and a Redis that it brings up (or MONGODB_URL and REDIS_URL).
The table at the end has a line per figure. Exits 1 when a bound was not kept or a proof could not be carried out.
`;

const DEFAULT_SEED = '1';

await runScript({
  name: 'npm run prove --',
  usage: USAGE,
  options: {
    list: { type: 'boolean', default: false },
    seed: { type: 'string', default: DEFAULT_SEED },
    json: { type: 'string' },
  },
  maxPositionals: Number.POSITIVE_INFINITY,
  run: async ({ list, seed, json }, names) => {
    const all = await findProofs();
    const chosen = choose(all, names);
    if (list) {
      for (const line of listed(chosen)) console.log(line);
      return 0;
    }
    return prove(chosen, readSeed(seed), json);
  },
});

async function prove(proofs: readonly Proof[], seed: number, json: string | undefined): Promise<number> {
  const terminal = terminalReport(process.stderr);
  const services = await startServices({ report: terminal.report }).finally(terminal.done);
  let results: ProofResult[];
  try {
    results = await runProofs(proofs, { services, seed, report: (line) => console.log(line) });
  } finally {
    await services.stop();
  }
  console.log('');
  const colour = (format: 'green' | 'red') => (text: string) =>
    styleText(format, text, { stream: process.stdout });
  for (const line of figureTable(results, { good: colour('green'), bad: colour('red') })) console.log(line);
  console.log(`\n${results.filter(holds).length} of ${results.length} proofs hold, seed ${seed}`);
  const report = { seed, results: results.map((result) => ({ ...result, holds: holds(result) })) };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  return exitCodeOf(results);
}

function choose(all: readonly Proof[], names: readonly string[]): Proof[] {
  const unknown = names.find((name) => !all.some((proof) => proof.name === name));
  if (unknown !== undefined) {
    throw new UsageError(`no proof '${unknown}'; there are ${all.map(({ name }) => name).join(', ')}`);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (/^\d{1,9}$/.test(text)) return seed;
  throw new UsageError(`--seed takes a whole number of up to nine digits, got '${text}'`);
}

function listed(proofs: readonly Proof[]): string[] {
  const width = (of: (proof: Proof) => string) => Math.max(...proofs.map((proof) => of(proof).length));
  const letters = (proof: Proof) => proof.letters.join(', ');
  const [names, marks] = [width(({ name }) => name), width(letters)];
  return proofs.map(
    (proof) => `${proof.name.padEnd(names)}  ${letters(proof).padEnd(marks)}  ${proof.about}`,
  );
}
