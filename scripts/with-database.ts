// What scripts that need the database alone share: the configuration and the connection.
import { type Config, ConfigError, loadConfig } from '../src/config/config.ts';
import type { Database } from '../src/db/database.ts';
import { ensureSchema } from '../src/db/schema/ensure-schema.ts';
import { reachMongo } from '../src/jobs/reach-servers.ts';
import { UsageError } from './cli.ts';

export interface ScriptDatabase {
  config: Config;
  database: Database;
}

/**
 * Connects as the environment says, makes what is missing in the schema, runs `work`, disconnects. A wrong
 * environment is a UsageError. `patient`: commands may scan whole collections.
 */
export async function withDatabase<T>(
  options: { appName: string; patient?: boolean },
  work: (given: ScriptDatabase) => Promise<T>,
): Promise<T> {
  const config = readConfig();
  const database = await reachMongo({
    url: config.mongodbUrl,
    dbName: config.mongodbDb,
    sessionsCollection: config.sessionsCollection,
    appName: options.appName,
    ...(options.patient ? { socketTimeoutMs: 0 } : {}),
  });
  try {
    await ensureSchema(database);
    return await work({ config, database });
  } finally {
    await database.client.close();
  }
}

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.problems.join('; '));
    throw error;
  }
}
