import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface DelayingProxy {
  port: number;
  stop(): Promise<void>;
}

/**
 * A server as far away as `delayMs` one way: passes on what comes in the order it came, each piece that much
 * later. Servers on the same machine answer faster than any network does.
 */
export async function startDelayingProxy(target: {
  host: string;
  port: number;
  delayMs: number;
}): Promise<DelayingProxy> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: target.host, port: target.port, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      // Timers of one length fire in the order in which they were set.
      from.on('data', (piece) => setTimeout(() => to.write(piece), target.delayMs));
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
