// Runs the programs of an installation. Each gets a process group of its own and carries the folder's name in
// its environment, so that nothing of a killed installation survives to write into the next one.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { InstallError } from './install-error.ts';
import { endProcess, INSTALLING_MARK } from './leftovers.ts';

export interface StepRunner {
  /** Rejects with an InstallError that holds the program's last lines. */
  run(command: string, args: readonly string[]): Promise<void>;
  /** Ends the program that runs now, with everything that it started; later ones are refused. */
  abort(): void;
}

export function createStepRunner(folder: string, logFile: string): StepRunner {
  let group: number | undefined;
  let isAborted = false;
  return {
    run: (command, args) =>
      new Promise((resolve, reject) => {
        if (isAborted) return reject(new InstallError('the installation was interrupted'));
        const log = openSync(logFile, 'a');
        const child = spawn(command, args, {
          detached: true,
          stdio: ['ignore', log, log],
          env: {
            ...process.env,
            [INSTALLING_MARK]: folder,
            DEBIAN_FRONTEND: 'noninteractive',
            LC_ALL: 'C.UTF-8',
          },
        });
        closeSync(log);
        group = child.pid;
        child.on('error', (error) => reject(new InstallError(`${command}: ${error.message}`)));
        child.on('exit', (code) => {
          group = undefined;
          if (code === 0) return resolve();
          if (isAborted) return reject(new InstallError('the installation was interrupted'));
          const message = `${command} ${args.join(' ')} failed: ${lastLines(logFile)}`;
          reject(new InstallError(`${message}\nThe whole output: ${logFile}`));
        });
      }),
    abort: () => {
      isAborted = true;
      if (group !== undefined) endProcess(-group);
    },
  };
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' / ');
}
