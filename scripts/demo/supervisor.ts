// What a supervisor's screen does: a WebSocket, a welcome, and every event in its order.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { PublishedEvent } from '../../src/contract/wire-types.ts';

const WAIT_LIMIT_MS = 10_000;

export interface Watcher {
  /** Everything that was delivered, in the order of delivery. */
  events: readonly PublishedEvent[];
  /** The first event, delivered already or yet to come, for which this holds. */
  waitFor(what: string, holds: (event: PublishedEvent) => boolean): Promise<PublishedEvent>;
  close(): void;
}

/** Resolves once the engine said welcome. */
export async function watch(url: string, token: string): Promise<Watcher> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/updates`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const events: PublishedEvent[] = [];
  const looking = new Set<() => void>();
  const welcome = once(socket, 'message', { signal: AbortSignal.timeout(WAIT_LIMIT_MS) });
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as PublishedEvent | { type: string };
    if (!('id' in message)) return;
    events.push(message);
    for (const look of looking) look();
  });
  const [first] = await welcome;
  const { type } = JSON.parse(String(first)) as { type: string };
  if (type !== 'welcome') throw new Error(`the engine said ${type} before welcome`);

  return {
    events,
    waitFor: (what, holds) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          looking.delete(look);
          reject(new Error(`no event came within ${WAIT_LIMIT_MS / 1000} s: ${what}`));
        }, WAIT_LIMIT_MS);
        const look = (): void => {
          const found = events.find(holds);
          if (!found) return;
          clearTimeout(timer);
          looking.delete(look);
          resolve(found);
        };
        looking.add(look);
        look();
      }),
    close: () => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
    },
  };
}

/** The `lock` of an item event, or undefined. */
export const lockIn = ({ payload }: PublishedEvent): { state: string; fence: number } | undefined =>
  payload.data['lock'] as { state: string; fence: number } | undefined;

/** The `conflict` of an item event, or undefined. */
export const conflictIn = ({ payload }: PublishedEvent): { state: string } | undefined =>
  payload.data['conflict'] as { state: string } | undefined;
