import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.ts';

/** 1,000 clients leave within 2 s, in groups that the next process can greet one after the other. */
const BATCH = 50;
const PAUSE_MS = 100;
/** However many there are, the last group leaves so soon. */
const LONGEST_MS = 5_000;

/** Closes the connections with 1012 "restart", batch by batch. */
export async function drain(connections: readonly Connection[]): Promise<void> {
  const batch = Math.max(BATCH, Math.ceil(connections.length / (LONGEST_MS / PAUSE_MS)));
  for (let from = 0; from < connections.length; from += batch) {
    if (from > 0) await sleep(PAUSE_MS);
    for (const connection of connections.slice(from, from + batch)) connection.close('restart');
  }
}
