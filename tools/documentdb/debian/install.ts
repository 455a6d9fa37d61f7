// Installs DocumentDB out of Debian's own packages: a small Debian system in a folder, the engine in it, and a
// PostgreSQL data folder with the extension created, which each server start copies. About 50 s and 1 GB, once.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createExtension, createTemplate } from './cluster.ts';
import type { Folders } from './folders.ts';
import { InstallError } from './install-error.ts';
import { endLeftovers, endProcessesInside } from './leftovers.ts';
import { withLock } from './lock.ts';
import { createStepRunner, type StepRunner } from './step-runner.ts';

// Debian testing carries the package. Its code name is written here, so that the next testing changes nothing.
const SUITE = 'forky';
const PACKAGE = 'postgresql-18-documentdb';
// Raise it when an installation made by an older version of this file would not do.
const LAYOUT = 1;

export type Report = (message: string) => void;

export interface InstallOptions {
  readonly folders: Folders;
  readonly report: Report;
  /** Ends the installation; what it has made so far is removed by the next one. */
  readonly signal?: AbortSignal | undefined;
}

export function isInstalled(folders: Folders): boolean {
  try {
    return (JSON.parse(readFileSync(folders.marker, 'utf8')) as { layout?: unknown }).layout === LAYOUT;
  } catch {
    return false;
  }
}

/** Why this machine cannot install it, or null. */
export function whyNotHere(): string | null {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) return 'this is not Debian';
  if (process.getuid?.() !== 0) return 'this needs root';
  return null;
}

/**
 * Makes sure that DocumentDB is installed. Repairs an installation that was killed half-way; waits for one
 * that another process is making. Throws an InstallError with the failing step's last lines.
 */
export async function ensureInstalled(options: InstallOptions): Promise<void> {
  const { folders, report, signal } = options;
  if (isInstalled(folders)) return;
  const obstacle = whyNotHere();
  if (obstacle) throw new InstallError(`DocumentDB cannot be installed: ${obstacle}`);
  mkdirSync(folders.base, { recursive: true });
  const onWait = () => report('another process is installing DocumentDB: waiting for it');
  await withLock(folders.lock, onWait, async () => {
    if (isInstalled(folders)) return;
    const runner = createStepRunner(folders.base, folders.log);
    const abort = () => runner.abort();
    signal?.addEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      await install(folders, report, runner);
    } finally {
      signal?.removeEventListener('abort', abort);
      unmountProc(folders);
    }
  });
}

async function install(folders: Folders, report: Report, runner: StepRunner): Promise<void> {
  if (existsSync(folders.system)) report('removing an installation that was not finished');
  endLeftovers(folders.base);
  endProcessesInside(folders.system);
  unmountProc(folders);
  rmSync(folders.marker, { force: true });
  // --one-file-system: a mount that could not be undone must not be emptied.
  await runner.run('rm', ['-rf', '--one-file-system', folders.system]);
  writeFileSync(folders.log, '');

  const inSystem = (...command: string[]) => runner.run('chroot', [folders.system, ...command]);

  if (!existsSync('/usr/sbin/debootstrap')) {
    report('installing debootstrap');
    await runner.run('apt-get', ['update', '-qq']);
    await runner.run('apt-get', ['install', '-y', '-qq', 'debootstrap']);
  }
  report(`bootstrapping a small Debian ${SUITE} in ${folders.system} (20 s or so)`);
  // 'sid' names the bootstrap script: an older debootstrap has none for a newer code name.
  const bootstrap = [
    '--variant=minbase',
    '--include=ca-certificates',
    SUITE,
    folders.system,
    mirror(),
    'sid',
  ];
  await runner.run('debootstrap', bootstrap);
  prepareSystem(folders);

  report(`installing ${PACKAGE} (20 s or so)`);
  await inSystem('apt-get', 'update', '-qq');
  await inSystem('apt-get', 'install', '-y', '-qq', '--no-install-recommends', PACKAGE);

  report('creating the extension');
  await createTemplate(folders, runner);
  await createExtension(folders);
  writeFileSync(folders.marker, JSON.stringify({ layout: LAYOUT, suite: SUITE, package: PACKAGE }));
}

// The mirror that this machine's own apt uses: where anything can be installed, this can.
function mirror(): string {
  const format = '$(LABEL) $(REPO_URI)';
  const targets = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const found = targets.split('\n').find((line) => line.startsWith('Debian '));
  if (!found) throw new InstallError('apt on this machine knows no Debian mirror');
  return found.slice('Debian '.length).trim();
}

function prepareSystem({ system }: Folders): void {
  // A mirror that lags serves an expired Release file; the packages stay signed.
  writeFileSync(join(system, 'etc/apt/apt.conf.d/99lagging-mirror'), 'Acquire::Check-Valid-Until "false";\n');
  // 101 forbids packages to start their services.
  const policy = join(system, 'usr/sbin/policy-rc.d');
  writeFileSync(policy, '#!/bin/sh\nexit 101\n');
  chmodSync(policy, 0o755);
  // The package's ready-made cluster is not used; making it takes 2 s.
  const conf = join(system, 'etc/postgresql-common/createcluster.d');
  mkdirSync(conf, { recursive: true });
  appendFileSync(join(conf, 'no-main.conf'), 'create_main_cluster = false\n');
  // debootstrap makes /dev/shm for root only; PostgreSQL runs as its own user.
  chmodSync(join(system, 'dev/shm'), 0o1777);
  // The packages' scripts look into /proc. It is mounted for the installation only.
  execFileSync('mount', ['--bind', '/proc', join(system, 'proc')]);
}

function unmountProc({ system }: Folders): void {
  const target = join(system, 'proc');
  const isMounted = readFileSync('/proc/self/mounts', 'utf8').includes(` ${target} `);
  // Lazily: a process that is just ending may still look at it.
  if (isMounted) execFileSync('umount', ['--lazy', target]);
}
