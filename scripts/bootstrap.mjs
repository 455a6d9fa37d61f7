// The only file that runs on the machine's own Node (18 or newer) before anything is installed.
// It installs the locked dependencies when they are missing, then starts the real script with the
// pinned Node of node_modules/.bin.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...args] = process.argv.slice(2);

const USAGE = `node scripts/bootstrap.mjs [SCRIPT [ARGUMENT ...]]

Installs the locked dependencies when they are missing or not current, then runs SCRIPT, a path from the
project's root, with the pinned Node. Arguments after it are the script's own.`;

if (script === '--help' || script === '-h') {
  console.log(USAGE);
  process.exit(0);
}
if (script?.startsWith('-')) {
  console.error(`npm run bootstrap --: Unknown option '${script}'; known flags: --help`);
  process.exit(2);
}
if (script !== undefined && !existsSync(join(root, script))) {
  console.error(`npm run bootstrap --: there is no script '${script}'; --help shows what is possible`);
  process.exit(2);
}

// npm writes this file last, so an installation that was killed half-way is seen as missing.
const installedLock = join(root, 'node_modules', '.package-lock.json');

function installedIsCurrent() {
  if (!existsSync(installedLock)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
}

if (!installedIsCurrent()) {
  console.error('Installing dependencies (about 30 s, once) …');
  // --include=dev: the pinned Node lives in devDependencies, also where NODE_ENV=production is set.
  const install = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (install.status !== 0) {
    console.error('npm ci failed: check that the npm registry can be reached, then run the command again.');
    process.exit(install.status ?? 1);
  }
}

if (script !== undefined) {
  const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  const child = spawn(node, [join(root, script), ...args], { stdio: 'inherit', cwd: root });
  // Ctrl-C reaches the whole process group by itself; a plain kill must be passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('exit', (code, signal) => {
    process.exit(code ?? (signal ? 128 + constants.signals[signal] : 1));
  });
}
