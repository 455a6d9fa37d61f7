import { connectionWaitMs } from './backoff.ts';
import type { Fetch } from './http-port.ts';
import { createSender } from './send-batch.ts';
import type { SyncQueue } from './sync-queue.ts';
import { createSleeper, platformTimer, type Timer } from './timer.ts';
import { emptyReport, type Pace, runCycle, type SyncReport } from './upload-cycle.ts';

const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_BATCH_LIMIT = 100;
const LONGEST_QUIET_MS = 60 * 60_000;
const WAITING = 'the server asked to wait';

export interface UploaderOptions {
  queue: SyncQueue;
  /** The engine's address, without `/api`. */
  url: string;
  /** A valid access token of `user`; asked again after a 401. */
  token: () => string | Promise<string>;
  user: string;
  fetch: Fetch;
  /** Rows in one upload, 1..500. Default 100. */
  batchLimit?: number | undefined;
  /** For a status line; called on each change of state. */
  onState?: ((state: UploaderState, detail: string | null) => void) | undefined;
  /** The device's clock in Unix milliseconds. Default `Date.now`. */
  now?: (() => number) | undefined;
  /** 0..1, spreads waits. Default `Math.random`. */
  random?: (() => number) | undefined;
  timer?: Timer | undefined;
}

/**
 * `idle`: everything sent. `pending`: rows wait. `syncing`: an upload is out. `offline`: the server cannot
 * be reached; it goes on by itself. `attention`: it does not go on without a person (sign in again, update
 * the app), though it keeps trying now and then.
 */
export type UploaderState = 'idle' | 'pending' | 'syncing' | 'offline' | 'attention';

export interface Uploader {
  /**
   * Sends everything that can go now, then asks once how conflicts stand. Never rejects because of the
   * network. A call during a cycle waits for it and runs one more, so that what was enqueued before the
   * call has had its turn when it resolves.
   */
  syncOnce(): Promise<SyncReport>;
  /** Runs cycles until `stop`, `intervalMs` apart (default 30 s), later after failures. */
  start(options?: { intervalMs?: number }): void;
  /** Resolves when the cycle under way has ended; nothing is sent after it. */
  stop(): Promise<void>;
  readonly state: UploaderState;
}

/** Carries a queue to the server. One uploader per queue: two would upload side by side. */
export function createUploader(options: UploaderOptions): Uploader {
  const { queue, url, token, user, fetch, onState } = options;
  const { now = Date.now, random = Math.random, timer = platformTimer } = options;
  const mostRows = options.batchLimit ?? DEFAULT_BATCH_LIMIT;
  const pace: Pace = { rows: mostRows, mostRows };
  const sleeper = createSleeper(timer);
  let state: UploaderState = 'pending';
  let detail: string | null = null;
  let running: Promise<SyncReport> | null = null;
  let following: Promise<SyncReport> | null = null;
  let loop: Promise<void> | null = null;
  let stopping = false;
  let failures = 0;
  let quietUntilMs: number | null = null;
  const isStopping = (): boolean => stopping;
  const sender = createSender({ url, token, fetch, now, timer, sleeper, isStopping });

  function enter(next: UploaderState, why: string | null): void {
    if (next === state && why === detail) return;
    state = next;
    detail = why;
    onState?.(next, why);
  }

  /** What is left of a wait that the server asked for; one that is too long means the clock was set back. */
  function quietForMs(): number {
    const leftMs = (quietUntilMs ?? 0) - now();
    return leftMs > LONGEST_QUIET_MS ? 0 : Math.max(0, leftMs);
  }

  async function cycle(): Promise<SyncReport> {
    const leftMs = quietForMs();
    if (leftMs > 0) return { ...emptyReport(), state: 'pending', reason: WAITING, retryAfterMs: leftMs };
    enter('syncing', null);
    try {
      const report = await runCycle({ queue, sender, user, pace, isStopping });
      failures = report.reason === null ? 0 : failures + 1;
      quietUntilMs = report.retryAfterMs === null ? null : now() + report.retryAfterMs;
      enter(report.state, report.reason);
      return report;
    } catch (error) {
      failures += 1;
      enter('attention', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  function syncOnce(): Promise<SyncReport> {
    if (running === null) {
      running = cycle().finally(() => {
        running = null;
      });
      return running;
    }
    following ??= running
      .catch(() => undefined)
      .then(() => {
        following = null;
        return syncOnce();
      });
    return following;
  }

  async function run(intervalMs: number): Promise<void> {
    while (!stopping) {
      // A fault of SQLite is told by the state; the loop goes on, as a full disk may have room again.
      await syncOnce().catch(() => undefined);
      if (stopping) return;
      const backoffMs = failures === 0 ? 0 : connectionWaitMs(failures, random());
      const quietMs = quietForMs();
      if (quietMs > 0) await sleeper.sleep(quietMs + connectionWaitMs(1, random()));
      else if (state === 'attention') await sleeper.sleep(Math.max(intervalMs, backoffMs));
      else await sleeper.sleep(failures === 0 ? intervalMs : backoffMs);
    }
  }

  return {
    syncOnce,
    start({ intervalMs = DEFAULT_INTERVAL_MS } = {}) {
      if (loop !== null) return;
      stopping = false;
      loop = run(intervalMs);
    },
    async stop() {
      stopping = true;
      sleeper.wakeAll();
      await loop;
      await following?.catch(() => undefined);
      await running?.catch(() => undefined);
      loop = null;
      stopping = false;
    },
    get state() {
      return state;
    },
  };
}
