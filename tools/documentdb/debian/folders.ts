// Everything on disk lies in one folder: the Debian system with the engine, and one PostgreSQL data folder
// ("cluster") for each server that runs.
import { join } from 'node:path';

export interface Folders {
  readonly base: string;
  /** The root of the small Debian system. */
  readonly system: string;
  /** A data folder with the extension in it, never started again: the original of all clusters. */
  readonly template: string;
  readonly clusters: string;
  /** Written last. Without it there is no installation, whatever else lies there. */
  readonly marker: string;
  readonly lock: string;
  readonly log: string;
}

const DEFAULT_BASE = '/var/lib/stock-verify-documentdb';

/** `STOCK_VERIFY_DOCUMENTDB_DIR` moves the installation; it needs 1 GB. */
export function foldersFromEnvironment(env: NodeJS.ProcessEnv = process.env): Folders {
  return foldersAt(env['STOCK_VERIFY_DOCUMENTDB_DIR'] || DEFAULT_BASE);
}

export function foldersAt(base: string): Folders {
  const system = join(base, 'debian');
  return {
    base,
    system,
    template: join(system, 'srv', 'template'),
    clusters: join(system, 'srv', 'clusters'),
    marker: join(base, 'installed.json'),
    lock: join(base, 'lock'),
    log: join(base, 'install.log'),
  };
}

/** The path of a folder as seen from inside the Debian system. */
export function insideSystem(folders: Folders, path: string): string {
  return path.slice(folders.system.length);
}
