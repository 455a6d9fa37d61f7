import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { WebSocketConnection } from '../contract/schemas/web-socket-connection.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import type { TokenClaims } from '../runtime/verify-token.ts';
import { type Admission, admit } from './admission.ts';
import { CLOSE_CODES, type CloseReason } from './close-codes.ts';
import { type Connection, createConnection } from './connection.ts';
import { createConnectionTable } from './connection-table.ts';
import { keepUp } from './connection-upkeep.ts';
import { drain } from './drain.ts';
import type { EventBus } from './event-bus.ts';
import { frameHandler } from './frame-handling.ts';
import { createCounters, type RelayStats } from './relay-stats.ts';
import { replay } from './replay.ts';
import { HEARTBEAT_SECONDS, welcome } from './server-frames.ts';
import { readUpgradeRequest, TOKEN_SUBPROTOCOL, type UpgradeRequest } from './upgrade-request.ts';

const DEFAULTS = {
  path: '/ws/updates',
  pingMs: HEARTBEAT_SECONDS * 1000,
  /** One ping and 8 s for its answer. */
  silenceMs: 33_000,
  /** How often tokens, silence and pings are looked at. */
  upkeepMs: 1_000,
  budgetBytes: 1024 * 1024,
  maxFrameBytes: 64 * 1024,
  maxConnections: 10_000,
  maxConnectionsPerUser: 500,
  clock: (): number => Date.now(),
};

export interface RelayOptions extends Partial<typeof DEFAULTS> {
  server: Server;
  bus: EventBus;
  verifyToken(token: string): Promise<TokenClaims>;
  allowedOrigins: readonly string[];
  logger: Logger;
}

export interface Relay extends Service {
  /** Who is connected to this process now. */
  connections(): WebSocketConnection[];
  stats(): RelayStats;
}

/**
 * Serves `GET /ws/updates`: hands the bus's events to WebSocket clients by role, with resume (contract 6).
 * It takes over the server's `upgrade` event; other paths get 404. The bus has to be started before it.
 */
export function createRelay(options: RelayOptions): Relay {
  const settings = { ...DEFAULTS, ...options };
  const { server, bus, logger, clock } = settings;
  const counters = createCounters();
  const table = createConnectionTable();
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: settings.maxFrameBytes,
    handleProtocols: (protocols) => (protocols.has(TOKEN_SUBPROTOCOL) ? TOKEN_SUBPROTOCOL : false),
  });
  const rules = {
    verifyToken: settings.verifyToken,
    allowedOrigins: settings.allowedOrigins,
    maxConnections: settings.maxConnections,
    maxConnectionsPerUser: settings.maxConnectionsPerUser,
    open: () => table.all().length,
    openOf: table.countOf,
    now: clock,
  };
  let upkeep: NodeJS.Timeout | undefined;
  let unsubscribe = (): void => {};
  let stopping = false;

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const asked = readUpgradeRequest(request);
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    if (asked.path !== settings.path || stopping) {
      refuseUpgrade(socket, stopping ? 503 : 404);
      return;
    }
    // The token is looked at before the handshake, so that nobody unknown ever holds an open connection.
    admit(asked, rules).then(
      (admission) => {
        socket.off('error', onError);
        if (socket.destroyed) return;
        webSockets.handleUpgrade(request, socket, head, (webSocket) =>
          onConnected(webSocket, asked, admission),
        );
      },
      (error: unknown) => {
        logger.error({ err: error }, 'a connection could not be judged');
        refuseUpgrade(socket, 503);
      },
    );
  }

  function onConnected(socket: WebSocket, asked: UpgradeRequest, admission: Admission): void {
    // ws answers a frame over the limit (1009) and broken UTF-8 (1007) by itself and reports it here.
    socket.on('error', (error) => {
      if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
        counters.closed.tooLarge += 1;
    });
    if ('refused' in admission || stopping) {
      refuse(socket, 'refused' in admission ? admission.refused : 'restart');
      return;
    }
    const connection = createConnection({
      socket,
      claims: admission.claims,
      deviceId: asked.deviceId,
      from: bus.position(),
      budgetBytes: settings.budgetBytes,
      counters,
      now: clock,
    });
    counters.accepted += 1;
    table.add(connection);
    socket.on('close', () => {
      connection.ended();
      table.remove(connection);
    });
    socket.on('pong', connection.heard);
    socket.on('ping', connection.heard);
    const onFrame = frameHandler(connection, {
      verifyToken: settings.verifyToken,
      resume,
      counters,
      now: clock,
    });
    socket.on('message', (data, isBinary) => onFrame(data.toString(), isBinary));
    connection.send(welcome(bus.position()));
    if (asked.lastEventId !== undefined) resume(connection, asked.lastEventId);
  }

  function resume(connection: Connection, lastEventId: string): void {
    replay(connection, lastEventId, { bus, counters }).catch((error: unknown) => {
      logger.debug({ err: error }, 'a resume failed, the client is sent to try again');
      connection.close('restart');
    });
  }

  function refuse(socket: WebSocket, reason: CloseReason): void {
    // Old clients with bad tokens are a steady drizzle: counted, not logged above debug.
    counters.closed[reason] += 1;
    logger.debug({ reason }, 'connection refused');
    socket.close(CLOSE_CODES[reason].code, CLOSE_CODES[reason].reason);
    setTimeout(() => socket.terminate(), REFUSAL_GRACE_MS).unref();
  }

  return {
    name: 'relay',
    async start() {
      if (upkeep) return;
      stopping = false;
      unsubscribe = bus.subscribe({
        onEvent(event) {
          for (const connection of table.all()) connection.offerLive(event);
        },
        onGap() {
          // They come back, resume, and get an honest verdict about what the stream lost. Nothing more until
          // then: an id from behind the gap would hide it.
          const connections = table.all();
          for (const connection of connections) connection.pause();
          void drain(connections);
        },
      });
      server.on('upgrade', onUpgrade);
      upkeep = setInterval(() => {
        const { pingMs, silenceMs } = settings;
        keepUp(table.all(), { pingMs, silenceMs, nowMs: clock() }, counters);
      }, settings.upkeepMs);
    },
    async stop() {
      stopping = true;
      clearInterval(upkeep);
      upkeep = undefined;
      await drain(table.all());
      await table.empty(STOP_GRACE_MS);
      for (const connection of table.all()) connection.terminate();
      await table.empty(STOP_GRACE_MS);
      unsubscribe();
      // Kept until now: an upgrade without a listener would hang instead of getting its 503.
      server.off('upgrade', onUpgrade);
    },
    connections: () => table.all().map((connection) => connection.describe()),
    stats: () => ({ ...structuredClone(counters), connections: table.countByRole() }),
  };
}

/** Clients get so long to answer the close frame when the process stops. */
const STOP_GRACE_MS = 2_000;
const REFUSAL_GRACE_MS = 5_000;

function refuseUpgrade(socket: Duplex, status: 404 | 503): void {
  const error_code = status === 404 ? 'not_found' : 'unavailable';
  const detail = status === 404 ? 'WebSockets are at /ws/updates.' : 'No connections are taken now.';
  const body = JSON.stringify({ detail, error_code, timestamp: new Date().toISOString() });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
