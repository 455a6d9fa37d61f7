// One engine process of a proof's own, with its database open beside it; all of it gone when the work ends.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase, type Database } from '../../src/db/database.ts';
import { startEngineProcess } from '../../tools/processes/engine-process.ts';
import type { ProofContext } from './proof.ts';

export interface OwnEngine {
  url: string;
  database: Database;
  jwtSecret: string;
  redisPrefix: string;
}

/** Runs `work` beside a fresh engine; `roles` as ENGINE_ROLES, default all. */
export async function withOwnEngine<T>(
  { services: { mongoUrl, redisUrl } }: Pick<ProofContext, 'services'>,
  roles: string,
  work: (engine: OwnEngine) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'stock-verify-prove-'));
  const databaseName = `prove_${randomUUID().slice(0, 8)}`;
  const jwtSecret = randomUUID();
  const redisPrefix = `{${databaseName}}`;
  const engine = await startEngineProcess(
    {
      mongoUrl,
      redisUrl,
      databaseName,
      redisPrefix,
      jwtSecret,
      timezone: 'UTC',
      more: { ENGINE_ROLES: roles },
    },
    join(folder, 'engine.log'),
  );
  const database = await connectDatabase({ url: mongoUrl, dbName: databaseName });
  try {
    return await work({ url: engine.url, database, jwtSecret, redisPrefix });
  } finally {
    await engine.stop();
    await database.db.dropDatabase();
    await database.client.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
