import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ServicesUnavailable } from '../services-unavailable.ts';
import { type BackgroundState, logFile, makeStateFolder, runningServices } from './state.ts';

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url));
const lineSchema = z.object({ kind: z.enum(['step', 'ready', 'failed']), text: z.string() });

/**
 * Starts the servers in a process that survives this one, and returns once they answer. When this process is
 * interrupted before that, so is the start. Throws ServicesUnavailable.
 */
export async function servicesUp(report: (message: string) => void): Promise<BackgroundState> {
  makeStateFolder();
  const log = openSync(logFile, 'a');
  const holder = spawn(process.execPath, [HOLDER], { detached: true, stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  const lines = holder.stdout as Readable;
  const interrupt = (signal: NodeJS.Signals) => holder.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    for await (const line of createInterface({ input: lines })) {
      const { kind, text } = lineSchema.parse(JSON.parse(line));
      if (kind === 'step') report(text);
      if (kind === 'failed') throw new ServicesUnavailable(text);
      if (kind === 'ready') break;
    }
    const state = runningServices();
    if (!state) throw new ServicesUnavailable(`the start was interrupted, or failed: see ${logFile}`);
    return state;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
    lines.destroy();
    holder.unref();
  }
}
