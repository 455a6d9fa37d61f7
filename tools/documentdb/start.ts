// DocumentDB from Debian's packages, started: a PostgreSQL of its own and the gateway in front of it, each a
// process of its own that ends with the process which called this.
import { fileURLToPath } from 'node:url';
import { type GuardedProcess, startOwned } from '../processes/guarded-process.ts';
import { startCluster } from './debian/cluster.ts';
import { foldersFromEnvironment } from './debian/folders.ts';
import { ensureInstalled, type Report } from './debian/install.ts';

const GATEWAY = fileURLToPath(new URL('main.ts', import.meta.url));

export interface DocumentDb {
  /** Stays the same over `restartGateway`. */
  readonly url: string;
  readonly postgresPort: number;
  readonly postgresPid: number;
  gatewayPid(): number | undefined;
  /** SIGKILL, as a crash would: what was committed stays, open transactions are rolled back. */
  killGateway(): Promise<void>;
  /** Starts the gateway again on the same port, ending the old one where it still runs. */
  restartGateway(): Promise<void>;
  /** Ends everything and removes the data. May be called twice. */
  stop(): Promise<void>;
}

/** Installs DocumentDB where it is missing (about 50 s) and starts it (about 1 s). Throws an InstallError. */
export async function startDocumentDb(report: Report, signal?: AbortSignal | undefined): Promise<DocumentDb> {
  const folders = foldersFromEnvironment();
  await ensureInstalled({ folders, report, signal });
  const cluster = await startCluster(folders);
  let gateway: GuardedProcess;
  try {
    gateway = await startGatewayProcess(cluster.port, 0);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  const url = gateway.firstLine;
  return {
    url,
    postgresPort: cluster.port,
    postgresPid: cluster.postgresPid,
    gatewayPid: () => gateway.child.pid,
    killGateway: async () => {
      gateway.child.kill('SIGKILL');
      await gateway.exited;
    },
    restartGateway: async () => {
      await gateway.stop();
      gateway = await startGatewayProcess(cluster.port, Number(new URL(url).port));
    },
    stop: async () => {
      await gateway.stop();
      await cluster.stop();
    },
  };
}

function startGatewayProcess(postgresPort: number, port: number): Promise<GuardedProcess> {
  const args = ['--postgres-port', String(postgresPort), '--port', String(port), '--until-stdin-closes'];
  return startOwned(GATEWAY, args);
}
