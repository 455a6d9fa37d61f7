// mongod through mongodb-memory-server: a replica set of one member in a temporary folder. The package also
// ends it when this process dies.
import { ServicesUnavailable } from './services-unavailable.ts';

const DOWNLOAD_HOST = 'https://fastdl.mongodb.org';
const PROBE_LIMIT_MS = 1_500;
const REPLICA_SET = { count: 1, name: 'rs0', storageEngine: 'wiredTiger' } as const;

/** True when mongodb-memory-server could download. Without the probe it tries for 7 s, or for minutes. */
export async function canDownloadMongod(): Promise<boolean> {
  try {
    const host = process.env['MONGOMS_DOWNLOAD_MIRROR'] ?? DOWNLOAD_HOST;
    await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
    return true;
  } catch {
    return false;
  }
}

/** Starts `binary`, or the one that mongodb-memory-server downloads and keeps. Throws ServicesUnavailable. */
export async function startMongod(binary?: string): Promise<{ url: string; stop(): Promise<void> }> {
  // Any mongod of the machine will do: without this the package compares its version with the one that it
  // would download, and prints a warning of ten lines.
  process.env['MONGOMS_SYSTEM_BINARY_VERSION_CHECK'] ??= 'false';
  // Loaded here: it reads its configuration, and a second MongoDB driver, when it is imported.
  const { MongoMemoryReplSet } = await import('mongodb-memory-server');
  const replicaSet = await MongoMemoryReplSet.create({
    replSet: REPLICA_SET,
    ...(binary === undefined ? {} : { binary: { systemBinary: binary } }),
  }).catch((error: Error) => {
    throw new ServicesUnavailable(`${binary ?? 'the downloaded mongod'} did not start: ${error.message}`);
  });
  let stopping: Promise<unknown> | undefined;
  return {
    url: replicaSet.getUri(),
    stop: async () => {
      stopping ??= replicaSet.stop({ doCleanup: true, force: true });
      await stopping;
    },
  };
}
