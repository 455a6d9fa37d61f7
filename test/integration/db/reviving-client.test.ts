// The driver's check of a server can hang for good when the server dies; the client then connects anew.
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { connectDatabase, type Database } from '../../../src/db/database.ts';

let database: Database;
let openings: number;

beforeEach(async () => {
  // Only what ticks: the driver's own timers must run.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  database = await connectDatabase({ url: inject('mongoUrl'), dbName: 'reviving' });
  openings = 0;
  database.client.on('topologyOpening', () => {
    openings += 1;
  });
});

afterEach(async () => {
  vi.useRealTimers();
  await database.client.close();
});

const ping = () => database.sessions.findOne({});
/** What the driver says when it begins a check of a server. */
const checkBegins = () =>
  database.client.emit('serverHeartbeatStarted', { connectionId: 'stuck:1', awaited: false } as never);

describe('a client whose check of a server does not end', () => {
  it('connects anew, and its collections go on', async () => {
    checkBegins();
    vi.advanceTimersByTime(20_000);
    expect(openings).toBe(0);
    vi.advanceTimersByTime(10_000);
    await vi.waitFor(() => expect(openings).toBe(1), { timeout: 10_000 });
    await vi.waitFor(ping, { timeout: 10_000 });
  });

  it('stays closed once it was closed', async () => {
    checkBegins();
    vi.advanceTimersByTime(30_000);
    await database.client.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expect(ping()).rejects.toThrow();
  });
});

describe('a client whose checks end', () => {
  it('is left alone', async () => {
    for (let round = 0; round < 5; round += 1) {
      checkBegins();
      vi.advanceTimersByTime(20_000);
      database.client.emit('serverHeartbeatSucceeded', { connectionId: 'stuck:1' } as never);
    }
    expect(openings).toBe(0);
    await ping();
  });
});
