// A supervisor's screen: connected over WebSocket, back after each break with the last event that it saw.
import { setTimeout as sleep } from 'node:timers/promises';

/** Events between two resumes that the relay called incomplete; in them no event may be missing. */
export interface Watched {
  /** Event ids, in the order of arrival. */
  segments: string[][];
  connections: number;
  /** Resumes that the relay answered with `recovered: false`. */
  incompleteResumes: number;
}

const SILENCE_MS = 40_000;

/** Watches until the signal, on the relays in turn. */
export async function watchEvents(
  urls: readonly string[],
  token: string,
  signal: AbortSignal,
): Promise<Watched> {
  const watched: Watched = { segments: [[]], connections: 0, incompleteResumes: 0 };
  while (!signal.aborted) {
    const last = watched.segments.findLast((ids) => ids.length > 0)?.at(-1);
    const query = new URLSearchParams({ token, ...(last === undefined ? {} : { last_event_id: last }) });
    const url = urls[watched.connections % urls.length]!.replace('http', 'ws');
    watched.connections += 1;
    await watchOnce(`${url}/ws/updates?${query}`, watched, signal);
    await sleep(200);
  }
  return watched;
}

function watchOnce(url: string, watched: Watched, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const end = (): void => {
      clearTimeout(silence);
      signal.removeEventListener('abort', end);
      socket.close();
      resolve();
    };
    // The relay pings and answers heartbeats; a half-open connection says nothing.
    let silence = setTimeout(end, SILENCE_MS);
    signal.addEventListener('abort', end);
    socket.onclose = end;
    socket.onerror = end;
    socket.onopen = () => socket.send(JSON.stringify({ type: 'heartbeat' }));
    socket.onmessage = ({ data }) => {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS);
      const frame = JSON.parse(String(data)) as { type: string; id?: string; recovered?: boolean };
      if (frame.type === 'resumed' && frame.recovered === false) {
        watched.incompleteResumes += 1;
        watched.segments.push([]);
      }
      if (frame.id !== undefined) watched.segments.at(-1)!.push(frame.id);
    };
  });
}
