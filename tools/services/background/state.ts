// Which servers run in the background: written by the process that holds them, read by everybody else.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const folder = join(fileURLToPath(new URL('../../..', import.meta.url)), '.services');
const stateFile = join(folder, 'state.json');

export const logFile = join(folder, 'services.log');

const stateSchema = z.object({ pid: z.int().min(1), mongoUrl: z.string(), redisUrl: z.string() });
export type BackgroundState = z.infer<typeof stateSchema>;

export function makeStateFolder(): void {
  mkdirSync(folder, { recursive: true });
}

/** The state of servers that run now; a file left by a process that was killed reads as undefined. */
export function runningServices(): BackgroundState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile, 'utf8');
  } catch {
    return undefined;
  }
  const state = stateSchema.safeParse(parseJson(text));
  return state.success && isHolder(state.data.pid) ? state.data : undefined;
}

/** Makes this process the one that holds the servers; false when another one, alive, came first. */
export function claimState(state: BackgroundState): boolean {
  if (runningServices()) return false;
  const draft = `${stateFile}.${state.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`);
  try {
    // What a killed holder left. Linked, not renamed: a link fails when two processes come this far.
    rmSync(stateFile, { force: true });
    linkSync(draft, stateFile);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(draft);
  }
}

export function removeState(): void {
  rmSync(stateFile, { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// The process id may belong to another program by now.
function isHolder(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('background/holder');
  } catch {
    return false;
  }
}
