import { setTimeout as sleep } from 'node:timers/promises';
import { removeState, runningServices } from './state.ts';

const STOP_LIMIT_MS = 15_000;

/** Stops the background servers and waits until they are gone. False when nothing was running. */
export async function servicesDown(): Promise<boolean> {
  const running = runningServices();
  if (!running) {
    removeState();
    return false;
  }
  process.kill(running.pid, 'SIGTERM');
  const deadline = performance.now() + STOP_LIMIT_MS;
  while (isAlive(running.pid)) {
    if (performance.now() > deadline) throw new Error(`process ${running.pid} does not end`);
    await sleep(50);
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
