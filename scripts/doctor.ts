// npm run doctor: checks the surroundings, one line per check.
import { type Config, ConfigError, loadConfig } from '../src/config/config.ts';
import { connectDatabase, type Database } from '../src/db/database.ts';
import { cronProblem } from '../src/domain/schedules/cron-expression.ts';
import type { Finding } from '../src/domain/startup/finding.ts';
import {
  checkMongo,
  checkRedis,
  mongoUnreachable,
  redisUnreachable,
} from '../src/jobs/check-surroundings.ts';
import { producerConnection } from '../src/queues/redis-connections.ts';
import { inTime } from '../src/runtime/in-time.ts';
import { runScript } from './cli.ts';
import { type CheckLine, linesOf, paint } from './doctor/report.ts';

// A port that takes connections and never says a word would else be waited for without end.
const CONNECT_LIMIT_MS = 5_000;

const USAGE = `
Checks what the engine needs around it: configuration, MongoDB, Redis, clocks.
One line per check: ok, warning or failed, with what to do. Changes nothing.

  npm run doctor

Exits 1 when a check failed, else 0. Takes about 10 s when a server does not answer.
`;

await runScript({
  name: 'npm run doctor --',
  usage: USAGE,
  options: {},
  run: async () => {
    const lines = await examine();
    for (const line of lines) console.log(paint(line, process.stdout.isTTY));
    return lines.some((line) => line.state === 'failed') ? 1 : 0;
  },
});

async function examine(): Promise<CheckLine[]> {
  let config: Config;
  try {
    config = loadConfig(cronProblem);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return linesOf({ configProblems: error.problems, findings: [] });
  }
  return linesOf({ configProblems: [], findings: await findProblems(config) });
}

/** Asks each server; one that is away does not hide what is wrong with the other. */
async function findProblems(config: Config): Promise<Finding[]> {
  const findings = await Promise.all([examineMongo(config), examineRedis(config)]);
  return findings.flat();
}

async function examineMongo(config: Config): Promise<Finding[]> {
  let database: Database;
  try {
    database = await connectDatabase({
      url: config.mongodbUrl,
      dbName: config.mongodbDb,
      sessionsCollection: config.sessionsCollection,
      appName: 'stock-verify-doctor',
    });
  } catch (error) {
    return [mongoUnreachable(error)];
  }
  return checkMongo(database, config).finally(() => database.client.close());
}

async function examineRedis(config: Config): Promise<Finding[]> {
  const redis = producerConnection(config.redisUrl);
  // `connect` itself only says that the connection is closed; why, it tells its listeners.
  let reason: unknown;
  redis.on('error', (error) => {
    reason = error;
  });
  try {
    await inTime(redis.connect(), CONNECT_LIMIT_MS);
    return await checkRedis(redis);
  } catch (error) {
    return [redisUnreachable(reason ?? error)];
  } finally {
    redis.disconnect();
  }
}
