import { hostname } from 'node:os';

import type { Config } from './config/config.ts';
import { peekChangedSettings } from './db/check-server.ts';
import type { Database } from './db/database.ts';
import { ensureSchema } from './db/schema/ensure-schema.ts';
import { readServerTime } from './db/server-time.ts';
import { authenticator } from './http/authenticate.ts';
import { analyticsRoutes } from './http/routes/analytics.ts';
import { conflictRoutes } from './http/routes/conflicts.ts';
import { deadLetterRoutes } from './http/routes/dead-letters.ts';
import { lockRoutes } from './http/routes/locks.ts';
import { healthRoutes, operationRoutes, type Readiness } from './http/routes/operations.ts';
import { preferenceRoutes } from './http/routes/preferences.ts';
import { scheduleRoutes } from './http/routes/schedules.ts';
import { sessionRoutes } from './http/routes/sessions.ts';
import { syncBatchRoutes } from './http/routes/sync-batches.ts';
import { createHttpApp, type HttpApp } from './http/server.ts';
import { adoptForeignLocks } from './jobs/adopt-foreign-locks.ts';
import { runBackfillJob } from './jobs/backfill-variance.ts';
import { checkSurroundings } from './jobs/check-surroundings.ts';
import { claimConflict } from './jobs/claim-conflict.ts';
import { endDueLocks } from './jobs/end-due-locks.ts';
import { guardSweeps } from './jobs/guard-sweeps.ts';
import { processSyncBatch } from './jobs/process-sync-batch.ts';
import { reachMongo, reachRedis } from './jobs/reach-servers.ts';
import { redriveDeadLetter } from './jobs/redrive-dead-letter.ts';
import { requeueStrandedBackfills } from './jobs/requeue-stranded-backfills.ts';
import { requeueStrandedBatches } from './jobs/requeue-stranded-batches.ts';
import { resolveConflict } from './jobs/resolve-conflict.ts';
import { rollUpVariance } from './jobs/roll-up-variance.ts';
import { runScheduled } from './jobs/run-scheduled.ts';
import { voidLine } from './jobs/void-line.ts';
import { type BatchSignals, createBatchSignals } from './queues/batch-signals.ts';
import { lockSweep } from './queues/lock-sweep.ts';
import { createProducer, type Producer } from './queues/producer.ts';
import { producerConnection, workerConnection } from './queues/redis-connections.ts';
import { createScheduler, type SchedulerDependencies, triggerSchedule } from './queues/scheduler.ts';
import { engineSchedules } from './queues/schedules.ts';
import { strandedSweep } from './queues/stranded-sweep.ts';
import { createUploadLimiter } from './queues/upload-limiter.ts';
import { createWorkers, type JobHandlers } from './queues/workers.ts';
import { createEventBus } from './realtime/event-bus.ts';
import { createOutboxBell } from './realtime/outbox-bell.ts';
import { createOutboxPublisher } from './realtime/outbox-publisher.ts';
import { realtimeKeys } from './realtime/realtime-keys.ts';
import { createRelay, type Relay } from './realtime/relay.ts';
import { inTime } from './runtime/in-time.ts';
import type { Logger } from './runtime/logger.ts';
import { createMetrics, type Metrics } from './runtime/metrics.ts';
import { type Service, startAll, stopAll } from './runtime/service.ts';
import { tokenVerifier } from './runtime/verify-token.ts';

/** Names this process in runs and leases. */
const host = `${hostname()}:${process.pid}`;

export interface Engine {
  /** The port that was opened; the configured one may be 0. */
  readonly port: number;
  /** Ends everything in reverse order; unfinished work is handed back. */
  stop(): Promise<void>;
}

type Redis = ReturnType<typeof producerConnection>;

/** What most parts need; built first, closed last. */
interface Ground {
  config: Config;
  logger: Logger;
  database: Database;
  redis: Redis;
  producer: Producer;
  signals: BatchSignals;
  metrics: Metrics;
  /** Aborted when the process is asked to stop. */
  stopping: AbortController;
  notifyOutbox: () => void;
}

/**
 * Connects, makes what is missing in the schema, and starts the parts of the configured roles. Throws when
 * the engine must not start; nothing is left open then.
 */
export async function startEngine(config: Config, logger: Logger): Promise<Engine> {
  const database = await reachMongo({
    url: config.mongodbUrl,
    dbName: config.mongodbDb,
    sessionsCollection: config.sessionsCollection,
  });
  const redis = producerConnection(config.redisUrl);
  const disconnect = async (): Promise<void> => {
    redis.disconnect();
    await database.client.close();
  };
  try {
    await reachRedis(redis);
    await refuseUnfit(config, logger, database, redis);
    for (const problem of await ensureSchema(database)) logger.warn({ problem }, 'an index is missing');
    const ground = buildGround(config, logger, database, redis);
    const { http, services } = await assemble(ground);
    await startAll(services);
    return {
      port: portOf(http),
      stop: async () => {
        ground.stopping.abort();
        await stopAll(services, (service, error) => logger.error({ err: error, service }, 'stop failed'));
        await disconnect();
      },
    };
  } catch (error) {
    await disconnect();
    throw error;
  }
}

/** Start-up checks (contract 8): errors stop the start, warnings are logged with their remedy. */
async function refuseUnfit(config: Config, logger: Logger, database: Database, redis: Redis): Promise<void> {
  const findings = await checkSurroundings({ database, redis, config });
  for (const { severity, code, message, remedy } of findings) {
    if (severity === 'warning') logger.warn({ code, remedy }, message);
  }
  const errors = findings.filter((finding) => finding.severity === 'error');
  if (errors.length > 0) {
    throw new Error(errors.map(({ message, remedy }) => `${message} ${remedy}`).join('\n'));
  }
}

function buildGround(config: Config, logger: Logger, database: Database, redis: Redis): Ground {
  const bell = createOutboxBell({ redis, channel: realtimeKeys(config.queuePrefix).bellChannel });
  return {
    config,
    logger,
    database,
    redis,
    producer: createProducer({ redis, prefix: config.queuePrefix }),
    signals: createBatchSignals({
      publisher: redis,
      subscriber: workerConnection(config.redisUrl),
      prefix: config.queuePrefix,
    }),
    metrics: createMetrics(),
    stopping: new AbortController(),
    notifyOutbox: bell.ring,
  };
}

/** The parts of this process's roles, in the order in which they start. */
async function assemble(ground: Ground): Promise<{ http: HttpApp; services: Service[] }> {
  const { config, logger, database, redis, producer } = ground;
  const { roles } = config;
  const keys = realtimeKeys(config.queuePrefix);
  const http = await createHttpApp(logger);
  const bus = createEventBus({ redis, streamKey: keys.streamKey, logger });
  const verifyToken = tokenVerifier(config.jwtSecret);
  const relay = createRelay({
    server: http.server,
    bus,
    verifyToken,
    allowedOrigins: config.allowedOrigins,
    logger,
  });
  await registerHealth(http, ground);
  if (roles.has('relay')) {
    ground.metrics.gauge(
      'sve_realtime_connections',
      'Open WebSocket connections of this process',
      () => relay.connections().length,
    );
  }
  if (roles.has('api')) await registerRoutes(http, ground, relay);
  const services: Service[] = [producer, ground.signals];
  if (roles.has('worker')) {
    services.push(createOutboxPublisher({ database, redis, ...keys, logger }), buildWorkers(ground));
  }
  if (roles.has('scheduler')) services.push(...buildScheduler(ground));
  if (roles.has('relay')) services.push(bus);
  // After what it rings, so that nothing is taken before the rest runs.
  services.push(httpService(http, config));
  // Last: its sockets have to end before the server they came through can close.
  if (roles.has('relay')) services.push(relay);
  return { http, services };
}

async function registerHealth(http: HttpApp, ground: Ground): Promise<void> {
  const { config, database, redis, metrics } = ground;
  await healthRoutes(http, {
    metrics: metrics.registry,
    checkReadiness: async (): Promise<Readiness> => ({
      mongodb: await answers(readServerTime(database)),
      redis: await answers(redis.ping()),
    }),
    analyticsBlocked: async () => (await peekChangedSettings(database, config)) !== undefined,
  });
}

async function registerRoutes(http: HttpApp, ground: Ground, relay: Relay): Promise<void> {
  const { config, database, redis, producer, signals, notifyOutbox, stopping } = ground;
  const { timezone, tolerancePercent } = config;
  const authenticate = authenticator(tokenVerifier(config.jwtSecret));
  const shared = { database, authenticate };
  const schedules = engineSchedules(config);
  const limiter = createUploadLimiter(redis, config.queuePrefix);
  await syncBatchRoutes(http, {
    ...shared,
    ringDevice: (device_id) => producer.ring({ v: 1, type: 'process-sync-batch', device_id }),
    waitForBatch: signals.wait,
    takeUpload: limiter.take,
    stopping: stopping.signal,
  });
  await conflictRoutes(http, {
    ...shared,
    resolveConflict: (id, request, actor) =>
      resolveConflict({ database, timezone, notifyOutbox }, id, request, actor),
    claimConflict: (id, actor) =>
      claimConflict({ database, notifyOutbox, ringAt: producer.ringAt }, id, actor),
  });
  await sessionRoutes(http, {
    ...shared,
    voidLine: (target, actor) => voidLine({ database, timezone, notifyOutbox }, target, actor),
  });
  await lockRoutes(http, { ...shared, notifyOutbox, ringAt: producer.ringAt });
  await analyticsRoutes(http, { ...shared, timezone, tolerancePercent, ring: producer.ring });
  await scheduleRoutes(http, {
    ...shared,
    schedules,
    trigger: async (name) => {
      const schedule = schedules.find((known) => known.name === name);
      if (schedule) await triggerSchedule(schedulerDependencies(ground), schedule);
    },
  });
  await deadLetterRoutes(http, {
    ...shared,
    redrive: (id, operator) => redriveDeadLetter({ database, ring: producer.ringAgain }, id, operator),
  });
  await preferenceRoutes(http, shared);
  await operationRoutes(http, { ...shared, connections: relay.connections });
}

function buildWorkers(ground: Ground): Service {
  const { config, database, logger, producer, signals, notifyOutbox, metrics, stopping } = ground;
  const { timezone, tolerancePercent } = config;
  const settings = { timezone, tolerancePercent };
  const { ring, ringAt, ringAgain } = producer;
  const guard = guardSweeps({ database });
  const handlers: JobHandlers = {
    'process-sync-batch': (payload) =>
      processSyncBatch(
        {
          database,
          timezone,
          maxCountAgeDays: config.maxCountAgeDays,
          logger,
          ring,
          ringAt,
          notifyOutbox,
          rerun: metrics.syncRerun,
          batchApplied: (batchId, verdicts, seconds) => {
            signals.announce(batchId);
            metrics.batchApplied(verdicts, seconds);
          },
        },
        payload,
      ),
    'end-due-locks': ({ type }) =>
      guard.run(type, async (careful) => {
        await endDueLocks({ database, notifyOutbox, ringAt }, careful);
      }),
    'roll-up-variance': async (payload, signal) => {
      await runScheduled({ database, host, stopping: signal }, payload, async () => {
        const summary = await rollUpVariance({ database, settings, notifyOutbox, signal });
        logger.info({ ...summary }, 'variance rolled up');
        return `${summary.state}: ${summary.replaced} periods written, ${summary.unchanged} unchanged`;
      });
    },
    'backfill-variance': (payload, signal) =>
      runBackfillJob({ database, settings, notifyOutbox, signal }, payload.run_id),
    'requeue-stranded-batches': ({ type }) =>
      guard.run(type, async () => {
        await requeueStrandedBatches({ database, logger, ringAgain });
        await requeueStrandedBackfills({ database, logger, ringAgain });
      }),
  };
  return createWorkers({
    redisUrl: config.redisUrl,
    prefix: config.queuePrefix,
    handlers,
    stopping: stopping.signal,
    logger,
    onSetAside: (job) => {
      guard
        .setAside(job)
        .then(notifyOutbox, (error: unknown) =>
          logger.error({ err: error, job_id: job.id }, 'the dead letter could not be stored'),
        );
    },
  });
}

const schedulerDependencies = ({ config, database, logger, producer }: Ground): SchedulerDependencies => ({
  database,
  schedules: engineSchedules(config),
  ring: producer.ring,
  now: () => readServerTime(database),
  host,
  onError: (schedule, error) => logger.warn({ err: error, schedule }, 'a schedule could not be looked at'),
});

function buildScheduler(ground: Ground): Service[] {
  const { database, logger, notifyOutbox, producer } = ground;
  return [
    createScheduler(schedulerDependencies(ground)),
    strandedSweep({
      ring: producer.ringAgain,
      onError: (error) => logger.debug({ err: error }, 'a sweep of what is stranded did not go through'),
    }),
    lockSweep({
      ring: producer.ring,
      adoptForeign: () => adoptForeignLocks({ database, notifyOutbox }),
      onError: (error) => logger.debug({ err: error }, 'a lock sweep did not go through'),
    }),
  ];
}

/** Answers that are under way get this long; waiting uploads need half a second. */
const CLOSE_HTTP_MS = 4_000;

function httpService(http: HttpApp, config: Config): Service {
  return {
    name: 'http',
    start: async () => {
      await http.listen({ host: config.host, port: config.port });
    },
    stop: async () => {
      const closed = http.close();
      // A request that was begun and never ends must not keep the workers from being asked to stop.
      await inTime(closed, CLOSE_HTTP_MS).catch(() => http.server.closeAllConnections());
      await closed;
    },
  };
}

function portOf(http: HttpApp): number {
  const address = http.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}

/** A dependency that does not answer within this is away. */
const READINESS_TIMEOUT_MS = 2_000;

const answers = (question: Promise<unknown>): Promise<boolean> =>
  inTime(question, READINESS_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
