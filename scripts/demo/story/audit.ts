// The project's own audit, as a person runs it: `npm run audit`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Demo } from '../demo.ts';
import { step } from '../say.ts';

const SCRIPT = fileURLToPath(new URL('../../audit.ts', import.meta.url));

/** Returns the number of differences that it found. */
export async function audit({ engineEnv, calendar, claims }: Demo): Promise<number> {
  const output = await run(['--from', calendar.firstPeriodDay, '--to', calendar.today], engineEnv);
  const lastLine = output.trimEnd().split('\n').at(-1) ?? '';
  const found = /(\d+) differences?$/.exec(lastLine)?.[1];
  if (found === undefined) throw new Error(`the audit said: ${output}`);
  claims.equal('the audit finds no difference', Number(found), 0);
  if (found !== '0') console.log(output);
  step('audit', `recomputed by other code from the lines: ${lastLine}`);
  return Number(found);
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SCRIPT, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    child.stderr.on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
