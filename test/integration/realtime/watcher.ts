// A WebSocket client that keeps everything it is told, for assertions.
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { PublishedEvent } from '../../../src/contract/wire-types.ts';
import type { ServerFrame } from '../../../src/realtime/server-frames.ts';

export interface Watcher {
  socket: WebSocket;
  events: PublishedEvent[];
  frames: ServerFrame[];
  /** Everything in the order in which it came. */
  all: (PublishedEvent | ServerFrame)[];
  closed: { code: number; reason: string } | undefined;
  say(frame: unknown): void;
  lastId(): string;
}

/** Connects and keeps what comes; closed with the test. Give the token as options or in the URL. */
export function watch(
  url: string,
  options: ClientOptions & { token?: string; protocols?: string[] } = {},
): Watcher {
  const { token, protocols = [], ...rest } = options;
  const socket = new WebSocket(url, protocols, {
    ...rest,
    ...(token ? { headers: { authorization: `Bearer ${token}`, ...rest.headers } } : {}),
  });
  const watcher: Watcher = {
    socket,
    events: [],
    frames: [],
    all: [],
    closed: undefined,
    say: (frame) => socket.send(JSON.stringify(frame)),
    lastId: () => watcher.events.at(-1)?.id ?? 'none',
  };
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as PublishedEvent | ServerFrame;
    watcher.all.push(message);
    if ('id' in message) watcher.events.push(message);
    else watcher.frames.push(message);
  });
  socket.on('close', (code, reason) => {
    watcher.closed = { code, reason: reason.toString() };
  });
  socket.on('error', () => {});
  onTestFinished(() => socket.terminate());
  return watcher;
}
