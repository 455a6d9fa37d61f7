// Runs one program and ends it when stdin closes, which the system does when the process that holds the other
// end is gone, even by SIGKILL. Then removes the program's private folder; after a crash the folder stays, so
// that the program can be started in it again.
//   node guard-main.ts --signal SIGTERM [--remove FOLDER] -- COMMAND [ARGUMENT ...]
// The only line on stdout is the program's process id; what the program prints goes to stderr.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';

const GRACE_MS = 5_000;

const { values, positionals } = parseArgs({
  options: { signal: { type: 'string', default: 'SIGTERM' }, remove: { type: 'string' } },
  allowPositionals: true,
});
const [command, ...args] = positionals;
if (command === undefined) throw new Error('no command to guard');

const child = spawn(command, args, { stdio: ['ignore', process.stderr, process.stderr] });
child.on('spawn', () => console.log(child.pid));
child.on('error', (error) => {
  console.error(error.message);
  leave(127);
});
child.on('exit', (code) => leave(code ?? 1));

let isEnding = false;

function end(): void {
  isEnding = true;
  child.kill(values.signal as NodeJS.Signals);
  setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
}

function leave(code: number): void {
  if (isEnding && values.remove !== undefined)
    rmSync(values.remove, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}

process.stdin.on('close', end).resume();
process.on('SIGTERM', end);
// Ctrl-C reaches the whole terminal; the process that owns the guard decides what it means.
process.on('SIGINT', () => {});
