// mongod through mongodb-memory-server: a replica set of one member in a temporary folder. The package also
// ends it when this process dies.
const DOWNLOAD_HOST = 'https://fastdl.mongodb.org';
const PROBE_LIMIT_MS = 1_500;
// mongod answers a ping before it can take writes; an election of one member needs a moment.
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

/** Starts `binary`, or the one that mongodb-memory-server downloads and keeps. */
export async function startMongod(binary?: string): Promise<{ url: string; stop(): Promise<void> }> {
  // Loaded here: it reads its configuration, and a second MongoDB driver, when it is imported.
  const { MongoMemoryReplSet } = await import('mongodb-memory-server');
  const replicaSet = await MongoMemoryReplSet.create({
    replSet: REPLICA_SET,
    ...(binary === undefined ? {} : { binary: { systemBinary: binary } }),
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
