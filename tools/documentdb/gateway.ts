// A server that speaks MongoDB's wire protocol in front of PostgreSQL with the DocumentDB extension. It knows
// no authentication, so it listens on the loopback address only.
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from './command.ts';
import { createEngine, type Engine, runCommand } from './commands.ts';
import { decode, encode } from './documents.ts';
import { asCommandError } from './errors.ts';
import { createPools } from './postgres-pools.ts';
import { RetryableWrites } from './retryable-writes.ts';
import { hello, newIdentity } from './server-info.ts';
import { legacyReplyHead, type Message, MessageSplitter, messageHead, parseMessage } from './wire.ts';

export const DEFAULT_REPLICA_SET = 'rs0';
// A statement that still runs keeps its connection; it is not worth waiting for.
const STOP_LIMIT_MS = 2_000;

export interface GatewayOptions {
  readonly postgresPort: number;
  /** 0 or absent: any free one. */
  readonly port?: number;
  readonly replicaSet?: string;
  /** After this an open transaction is rolled back. Default 60 s, as MongoDB's. */
  readonly transactionLifetimeMs?: number;
  readonly onProblem?: (message: string) => void;
  /** A client sent `shutdown`. */
  readonly onShutdownCommand?: () => void;
}

export interface Gateway {
  readonly port: number;
  readonly url: string;
  /** Ends all connections and open transactions. May be called twice. */
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1. Rejects when the port is taken; a missing PostgreSQL shows at the first command. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const onProblem = options.onProblem ?? (() => {});
  const pools = createPools(options.postgresPort, onProblem);
  const retryableWrites = new RetryableWrites();
  const sockets = new Set<Socket>();
  let connections = 0;
  let engine: Engine;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(engine, socket, ++connections, retryableWrites, onProblem);
  });
  const port = await listen(server, options.port ?? 0);
  const replicaSet = options.replicaSet ?? DEFAULT_REPLICA_SET;
  engine = createEngine(pools, newIdentity(port, replicaSet), {
    transactionLifetimeMs: options.transactionLifetimeMs,
    shutDown: () => options.onShutdownCommand?.(),
  });

  let stopping: Promise<void> | undefined;
  return {
    port,
    url: `mongodb://127.0.0.1:${port}/?replicaSet=${replicaSet}`,
    stop: () => {
      stopping ??= close(server, sockets).then(() => Promise.race([pools.end(), sleep(STOP_LIMIT_MS)]));
      return stopping;
    },
  };
}

function serve(
  engine: Engine,
  socket: Socket,
  connectionId: number,
  retryableWrites: RetryableWrites,
  onProblem: (message: string) => void,
): void {
  const splitter = new MessageSplitter();
  let replies = 0;
  // One command after the other: a driver never sends a second one on a socket before the first is answered,
  // except behind a write that wants no reply.
  let line = Promise.resolve();

  const answer = async (bytes: Buffer): Promise<void> => {
    const message = parseMessage(bytes);
    const reply = message.isLegacyQuery
      ? encode(hello(engine.identity, connectionId))
      : await replyTo(commandOf(message, socket, connectionId));
    if (message.wantsNoReply) return;
    const head = message.isLegacyQuery ? legacyReplyHead : messageHead;
    socket.write(head(++replies, message.requestId, reply.length));
    socket.write(reply);
  };

  const replyTo = async (command: Command): Promise<Buffer> => {
    const earlier = retryableWrites.earlierReply(command);
    if (earlier) return earlier;
    try {
      const reply = await runCommand(engine, command);
      const encoded = Buffer.isBuffer(reply) ? reply : encode(reply);
      retryableWrites.remember(command, encoded);
      return encoded;
    } catch (error) {
      return encode(asCommandError(error, false).toReply());
    }
  };

  const giveUp = (error: unknown) => {
    onProblem(`connection ${connectionId}: ${error instanceof Error ? error.message : String(error)}`);
    socket.destroy();
  };

  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    try {
      for (const message of splitter.push(bytes)) line = line.then(() => answer(message)).catch(giveUp);
    } catch (error) {
      giveUp(error);
    }
  });
  socket.on('close', () => {
    // At once, and again behind the command that may be about to begin a transaction.
    engine.transactions.socketClosed(socket);
    line = line.then(() => engine.transactions.socketClosed(socket));
  });
}

function commandOf(message: Message, socket: Socket, connectionId: number): Command {
  const body = decode(message.body);
  return {
    name: Object.keys(body)[0] ?? '',
    body,
    raw: message.body,
    sequences: message.sequences,
    database: String(body['$db'] ?? 'admin'),
    socket,
    connectionId,
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
