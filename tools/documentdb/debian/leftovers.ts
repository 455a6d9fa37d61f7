// What processes of this machine belong to, read from /proc: to end what a killed installation left behind.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** An environment variable that each program of an installation carries, with the folder as its value. */
export const INSTALLING_MARK = 'STOCK_VERIFY_INSTALLING';

/** Ends what an installation into `folder` left running when it was killed. */
export function endLeftovers(folder: string): void {
  for (const pid of processIds()) {
    const environment = readIfThere(`/proc/${pid}/environ`)?.split('\0') ?? [];
    if (environment.includes(`${INSTALLING_MARK}=${folder}`)) endProcess(pid);
  }
}

/** Ends every process that lives inside the Debian system at `root`. */
export function endProcessesInside(root: string): void {
  for (const pid of processIds()) {
    if (rootOf(pid) === root) endProcess(pid);
  }
}

/** True when the process and a guard above it are alive. */
export function isGuarded(pid: number): boolean {
  // "pid (name) state parent …"
  const parent = readIfThere(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')[1];
  return readIfThere(`/proc/${parent}/cmdline`)?.includes('guard-main') ?? false;
}

/** SIGKILL; a negative id means a process group. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** A file's text, undefined when it is not there: a process may end between the listing and the reading. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function rootOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    return undefined;
  }
}
