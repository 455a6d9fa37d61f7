// A TCP proxy whose connections can be cut, or left open without a byte passing.
import { createServer, type Socket, connect as tcpConnect } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Resets every connection. New ones are served. */
  cut(): void;
  /** From now on nothing passes and nothing is closed, as when a cable was pulled. New connections hang, too. */
  freeze(): void;
  /** Ends the freeze: what was held passes on, or is reset. */
  thaw(held: 'passes' | 'is reset'): void;
  close(): Promise<void>;
}

/** A reset after a shutdown is refused by the system and leaves the handle open: Node (24) then never ends. */
const reset = (socket: Socket): void => {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
};

interface Link {
  client: Socket;
  server: Socket;
}

/** Listens on a free port of 127.0.0.1 and forwards to `targetPort` there. */
export async function openProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  const waiting = new Set<Socket>();
  let frozen = false;

  const join = (client: Socket): void => {
    const link = { client, server: tcpConnect(targetPort, '127.0.0.1') };
    links.add(link);
    forward(link.client, link.server);
    forward(link.server, link.client);
    const drop = (): void => {
      links.delete(link);
      link.client.destroy();
      link.server.destroy();
    };
    for (const socket of [link.client, link.server]) socket.setNoDelay(true).on('close', drop);
  };
  const forward = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (!frozen) from.resume();
    });
    from.on('end', () => to.end());
    // Each failure ends in 'close'.
    from.on('error', () => {});
  };
  const cut = (): void => {
    for (const { client, server } of links) {
      reset(client);
      reset(server);
    }
  };

  const listener = createServer({ allowHalfOpen: false, pauseOnConnect: true }, (client) => {
    if (!frozen) {
      join(client);
      client.resume();
      return;
    }
    waiting.add(client);
    client.on('error', () => {}).on('close', () => waiting.delete(client));
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  const address = listener.address();
  const thaw = (held: 'passes' | 'is reset'): void => {
    frozen = false;
    if (held === 'is reset') {
      cut();
      for (const client of waiting) reset(client);
    } else {
      for (const { client, server } of links) {
        client.resume();
        server.resume();
      }
      for (const client of waiting) {
        join(client);
        client.resume();
      }
    }
    waiting.clear();
  };
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut,
    freeze: () => {
      frozen = true;
      for (const { client, server } of links) {
        client.pause();
        server.pause();
      }
    },
    thaw,
    close: () => {
      thaw('is reset');
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}
