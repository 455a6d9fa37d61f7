// npm run doctor: checks the surroundings, one line per check.
import { type Config, ConfigError, loadConfig } from '../src/config/config.ts';
import type { Database } from '../src/db/database.ts';
import { cronProblem } from '../src/domain/schedules/cron-expression.ts';
import type { Finding } from '../src/domain/startup/finding.ts';
import { checkMongo, checkRedis } from '../src/jobs/check-surroundings.ts';
import { reachMongo, reachRedis, UnreachableError } from '../src/jobs/reach-servers.ts';
import { producerConnection } from '../src/queues/redis-connections.ts';
import { runScript } from './cli.ts';
import { type CheckLine, linesOf, paint } from './doctor/report.ts';

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
    database = await reachMongo({
      url: config.mongodbUrl,
      dbName: config.mongodbDb,
      sessionsCollection: config.sessionsCollection,
      appName: 'stock-verify-doctor',
    });
  } catch (error) {
    return [findingOf(error)];
  }
  return checkMongo(database, config).finally(() => database.client.close());
}

async function examineRedis(config: Config): Promise<Finding[]> {
  const redis = producerConnection(config.redisUrl);
  try {
    await reachRedis(redis);
    return await checkRedis(redis);
  } catch (error) {
    return [findingOf(error)];
  } finally {
    redis.disconnect();
  }
}

function findingOf(error: unknown): Finding {
  if (error instanceof UnreachableError) return error.finding;
  throw error;
}
