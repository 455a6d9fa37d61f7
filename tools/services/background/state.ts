// Which servers run in the background: written by the process that holds them, read by everybody else.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

export function writeState(state: BackgroundState): void {
  // Renamed into place: a reader never sees half a file.
  writeFileSync(`${stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${stateFile}.new`, stateFile);
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
