import { createServer } from 'node:net';

/**
 * A TCP port of 127.0.0.1 that nobody listens on. The system hands out ephemeral ports in turn, so another
 * process hardly gets the same one before the caller listens; a server that finds it taken fails at start.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
