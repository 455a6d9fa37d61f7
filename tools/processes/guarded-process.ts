// Programs that must not outlive the process that started them. Their stdin is a pipe that only this process
// holds; when it closes they end. See guard-main.ts for programs that do not watch their stdin themselves.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('guard-main.ts', import.meta.url));

type OwnedChild = ChildProcessByStdio<Writable, Readable, null>;

export interface GuardedProcess {
  readonly child: OwnedChild;
  /** The first line that it printed. */
  readonly firstLine: string;
  /** Resolves with the exit code, null after a signal. */
  readonly exited: Promise<number | null>;
  /** Closes its stdin and waits until it is gone. May be called twice, also when it ended by itself. */
  stop(): Promise<void>;
}

export interface GuardOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** What asks the program to end, 5 s before SIGKILL. Default SIGTERM. */
  readonly signal?: NodeJS.Signals;
  /** A folder to remove once the program was asked to end and has ended. */
  readonly remove?: string;
  /** The file to which its output is appended. Default: none. */
  readonly logFile?: string;
  /** Its environment. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a program behind a guard. `firstLine` is the program's own process id. */
export function startGuarded(options: GuardOptions): Promise<GuardedProcess> {
  const remove = options.remove === undefined ? [] : ['--remove', options.remove];
  const flags = ['--signal', options.signal ?? 'SIGTERM', ...remove];
  return startOwned(GUARD, [...flags, '--', options.command, ...options.args], options);
}

/**
 * Starts one of our own TypeScript programs, which ends when its stdin closes and prints a line when it is
 * ready. Rejects when it ends before that.
 */
export async function startOwned(
  script: string,
  args: readonly string[],
  { logFile, env = process.env }: Pick<GuardOptions, 'logFile' | 'env'> = {},
): Promise<GuardedProcess> {
  const log = logFile === undefined ? 'ignore' : openSync(logFile, 'a');
  const child: OwnedChild = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', log as 'ignore'],
    env,
    // A process group of its own, which Ctrl-C does not reach: stopping has an order, kept by the owner.
    detached: true,
  });
  if (typeof log === 'number') closeSync(log);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(127));
  });
  // Nothing is written; an error only says that the other end is gone.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout });
  const firstLine = await Promise.race([
    new Promise<string>((resolve) => lines.once('line', resolve)),
    exited.then((code) => {
      throw new Error(`${script} ended with code ${code} before it was ready`);
    }),
  ]);
  // Neither the process nor its pipes keep the owner's event loop alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout]) {
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
  return {
    child,
    firstLine,
    exited,
    stop: async () => {
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}
