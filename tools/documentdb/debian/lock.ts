// One installation at a time. The lock is the kernel's (flock), held by a small child that lives as long as
// its stdin is open: however this process ends, the lock is free again and never has to be declared stale.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { InstallError } from './install-error.ts';

const TELL_AFTER_MS = 300;

/** Waits for the lock, runs `work`, and frees the lock. `onWait` is called when somebody else holds it. */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  // Detached: Ctrl-C is for the process that owns the installation, which cleans up before it lets go.
  const holder = spawn('flock', ['--exclusive', file, 'sh', '-c', 'echo held; exec cat'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const failed = once(holder, 'exit').then(() => {
    throw new InstallError(`cannot lock ${file}: is flock (util-linux) installed?`);
  });
  failed.catch(() => {});
  const telling = setTimeout(onWait, TELL_AFTER_MS);
  try {
    await Promise.race([once(holder.stdout, 'data'), failed]);
    clearTimeout(telling);
    return await work();
  } finally {
    clearTimeout(telling);
    holder.stdin.end();
  }
}
