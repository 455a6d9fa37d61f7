import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import { inTime } from '../runtime/in-time.ts';

const TICK_MS = 1_000;

/**
 * Longer than any honest check: 10 s to connect, 10 s for the handshake, or 10 s that a server may wait for
 * news and 10 s for its answer. In ticks and not by a clock: a process that was stopped for a minute and goes
 * on has seen one tick.
 */
const MAX_CHECK_TICKS = 25;
const CLOSE_MS = 2_000;
const PAUSE_MS = 500;

/**
 * A client whose view of the servers cannot freeze. The driver (7.9) checks each server every 10 s, one check
 * after the other. When a server dies, the next check may write to a socket that is destroyed and whose
 * `close` is not told yet; it then waits for a `drain` that never comes, no further check begins, and every
 * command fails with "connection … closed" until the process is started again (seen after 2 of 44 random
 * kills). Here such a check is noticed, and the client connects anew: collections and databases stay valid,
 * commands that run meanwhile fail as when the server is away.
 */
export class RevivingClient extends MongoClient {
  /** Ticks since a check of the server at this address began and has not ended. */
  readonly #checks = new Map<string, number>();
  #ticking: NodeJS.Timeout | undefined;
  #isReviving = false;
  #hasEnded = false;

  constructor(url: string, options: MongoClientOptions) {
    super(url, options);
    this.on('serverHeartbeatStarted', ({ connectionId }) => this.#checks.set(connectionId, 0));
    this.on('serverHeartbeatSucceeded', ({ connectionId }) => this.#checks.delete(connectionId));
    this.on('serverHeartbeatFailed', ({ connectionId }) => this.#checks.delete(connectionId));
    this.on('serverClosed', ({ address }) => this.#checks.delete(address));
  }

  override async connect(): Promise<this> {
    await super.connect();
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MS).unref();
    return this;
  }

  override async close(force?: boolean): Promise<void> {
    this.#hasEnded = true;
    clearInterval(this.#ticking);
    await super.close(force);
  }

  #tick(): void {
    let isStuck = false;
    for (const [address, ticks] of this.#checks) {
      this.#checks.set(address, ticks + 1);
      if (ticks >= MAX_CHECK_TICKS) isStuck = true;
    }
    if (isStuck && !this.#isReviving) this.#revive();
  }

  async #revive(): Promise<void> {
    this.#isReviving = true;
    let isClosed = false;
    const closing = super
      .close(true)
      .catch(() => {})
      .then(() => {
        isClosed = true;
      });
    // A close that takes longer also takes down what was connected meanwhile: then it is connected again below.
    await inTime(closing, CLOSE_MS).catch(() => {});
    this.#checks.clear();
    while (!this.#hasEnded) {
      const isBack = await super.connect().then(
        () => true,
        () => false,
      );
      if (isBack && isClosed) break;
      await sleep(PAUSE_MS, undefined, { ref: false });
    }
    // Closed while it connected: nobody else would close it again.
    if (this.#hasEnded) await super.close(true).catch(() => {});
    this.#isReviving = false;
  }
}
