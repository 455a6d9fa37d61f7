// PostgreSQL data folders. Each server gets a copy of the template (66 MB, 0.1 s) on a port of its own, so two
// runs at once share nothing, one that was killed leaves nothing in the way of the next, and every run starts
// from an empty server.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../processes/free-port.ts';
import { type GuardedProcess, startGuarded } from '../../processes/guarded-process.ts';
import { type Folders, insideSystem } from './folders.ts';
import { InstallError } from './install-error.ts';
import { endProcess, isGuarded, readIfThere } from './leftovers.ts';
import { withLock } from './lock.ts';
import type { StepRunner } from './step-runner.ts';

const BIN = '/usr/lib/postgresql/18/bin';
const START_LIMIT_MS = 30_000;

const SETTINGS = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
# 32 + 48 + 2 connections of the gateway, some 15 of the engine's own; at 100 one "too many clients" was seen
max_connections = 200
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
cron.log_run = off
cron.log_statement = off
documentdb.localhost_connection_string = 'host=127.0.0.1'
# Shared memory in the data folder: nothing is left in the system after a SIGKILL
dynamic_shared_memory_type = mmap
# A commit is in the system's cache when it is acknowledged: safe from a killed process, not from a power cut
fsync = off
full_page_writes = off
synchronous_commit = on
`;

/** MongoDB refuses the second of two that write one document at once; PostgreSQL lets a circle wait for this long. */
const DEADLOCK_TIMEOUT_MS = 20;

export interface Cluster {
  readonly port: number;
  readonly postgresPid: number;
  stop(): Promise<void>;
}

/** Makes the template's files. The extension is created by `createExtension`, in a running server. */
export async function createTemplate(folders: Folders, runner: StepRunner): Promise<void> {
  const path = insideSystem(folders, folders.template);
  const clusters = insideSystem(folders, folders.clusters);
  const makeFolders = ['install', '-d', '-o', 'postgres', '-g', 'postgres', '-m', '700', path, clusters];
  await runner.run('chroot', [folders.system, ...makeFolders]);
  const initdb = ['initdb', '-D', path, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--no-sync'];
  await runner.run('chroot', [
    '--userspec=postgres:postgres',
    folders.system,
    `${BIN}/${initdb[0]}`,
    ...initdb.slice(1),
    '--locale=C.UTF-8',
  ]);
  appendFileSync(join(folders.template, 'postgresql.conf'), SETTINGS);
}

/** Starts the template once and creates the extension in it. */
export async function createExtension(folders: Folders): Promise<void> {
  const port = await freePort();
  const server = await startPostgres(folders, folders.template, port, { signal: 'SIGINT' });
  try {
    await withClient(port, async (client) => {
      await client.query('SET client_min_messages = error');
      await client.query('CREATE EXTENSION IF NOT EXISTS documentdb CASCADE');
    });
  } finally {
    await server.stop();
  }
}

/** Starts a server with a data folder of its own, which is removed when it stops. Ready when it resolves. */
export function startCluster(folders: Folders): Promise<Cluster> {
  // Under the lock, or the sweep of another process would take a fresh copy for an abandoned one.
  return withLock(
    folders.lock,
    () => {},
    () => startLocked(folders),
  );
}

async function startLocked(folders: Folders): Promise<Cluster> {
  sweepClusters(folders);
  const port = await freePort();
  const data = join(folders.clusters, String(port));
  // cp keeps the owner, which Node's own copy does not.
  execFileSync('cp', ['-a', '--reflink=auto', folders.template, data]);
  // Immediate shutdown: the data folder goes anyway.
  const server = await startPostgres(folders, data, port, { signal: 'SIGQUIT', remove: data });
  try {
    // pg_cron connects to where a job was defined, which was the template's port. It runs the TTL index.
    await withClient(port, (client) =>
      client.query("UPDATE cron.job SET nodename = '127.0.0.1', nodeport = $1", [port]),
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { port, postgresPid: Number(server.firstLine), stop: server.stop };
}

async function startPostgres(
  folders: Folders,
  data: string,
  port: number,
  end: { signal: NodeJS.Signals; remove?: string },
): Promise<GuardedProcess> {
  const path = insideSystem(folders, data);
  const server = await startGuarded({
    command: 'chroot',
    args: [
      '--userspec=postgres:postgres',
      folders.system,
      `${BIN}/postgres`,
      ...['-D', path, '-p', String(port), '-c', `deadlock_timeout=${DEADLOCK_TIMEOUT_MS}ms`],
    ],
    logFile: join(folders.base, 'postgres.log'),
    ...end,
  });
  const ended = server.exited.then((code) => {
    throw new InstallError(`PostgreSQL ended with code ${code}: see ${join(folders.base, 'postgres.log')}`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([untilReady(port), ended]);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function untilReady(port: number): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await withClient(port, (client) => client.query('SELECT 1'));
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(50);
  }
}

async function withClient<T>(port: number, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}

// Each server's guard removes its folder. A folder without a guarded server was left by a guard that was
// itself killed; its server, if it still runs, is ended.
function sweepClusters(folders: Folders): void {
  mkdirSync(folders.clusters, { recursive: true });
  for (const name of readdirSync(folders.clusters)) {
    const data = join(folders.clusters, name);
    const pid = postmasterPid(data);
    if (pid !== undefined && isGuarded(pid)) continue;
    if (pid !== undefined) endProcess(pid);
    rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  }
}

function postmasterPid(data: string): number | undefined {
  const [line] = readIfThere(join(data, 'postmaster.pid'))?.split('\n') ?? [];
  return line ? Number(line) : undefined;
}
