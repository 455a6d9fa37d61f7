// Finds MongoDB: the URL in the environment, a binary, a download, Debian's packages; the first that is there.

import { foldersFromEnvironment } from '../documentdb/debian/folders.ts';
import { isInstalled, whyNotHere } from '../documentdb/debian/install.ts';
import { startDocumentDb } from '../documentdb/start.ts';
import { assertTransactions } from './check-mongodb.ts';
import { findProgram } from './find-program.ts';
import { canDownloadMongod, startMongod } from './mongod.ts';
import type { FindOptions, MongoSource, Service } from './service.ts';
import { nothingFound, ServicesUnavailable } from './services-unavailable.ts';

/**
 * A MongoDB with transactions. A URL that is set but does not work is an error, never a reason to take another
 * server silently. Throws ServicesUnavailable or InstallError.
 */
export async function findMongoDb({ env, report, signal }: FindOptions): Promise<Service<MongoSource>> {
  const url = env['MONGODB_URL'];
  if (url) return fromEnvironment(url);

  const binary = findProgram('mongod', env);
  if (binary) {
    return { ...(await startMongod(binary)), source: 'mongod binary', description: binary };
  }
  if (await canDownloadMongod()) {
    report('MongoDB: downloading mongod through mongodb-memory-server (once)');
    const description = 'mongod, downloaded by mongodb-memory-server';
    return { ...(await startMongod()), source: 'mongod download', description };
  }
  const obstacle = whyNotHere();
  if (obstacle) {
    const tried = [
      'MONGODB_URL is not set',
      'there is no mongod on the PATH',
      "mongod's download host does not answer",
    ];
    throw nothingFound('MongoDB', [...tried, `Debian's packages cannot be used (${obstacle})`]);
  }
  if (!isInstalled(foldersFromEnvironment(env))) {
    report("MongoDB: installing DocumentDB from Debian's packages (about 50 s and 1 GB, once)");
  }
  const documentDb = await startDocumentDb((message) => report(`MongoDB: ${message}`), signal);
  return {
    source: 'DocumentDB',
    url: documentDb.url,
    description: "DocumentDB from Debian's packages",
    server: {
      pid: documentDb.gatewayPid,
      kill: documentDb.killGateway,
      restart: documentDb.restartGateway,
    },
    stop: documentDb.stop,
  };
}

async function fromEnvironment(url: string): Promise<Service<MongoSource>> {
  try {
    await assertTransactions(url);
  } catch (error) {
    throw new ServicesUnavailable(`MONGODB_URL is set, but ${(error as Error).message}`);
  }
  return { source: 'MONGODB_URL', url, description: 'the server of MONGODB_URL', stop: async () => {} };
}
